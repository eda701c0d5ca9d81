/**
 * What a terminal obeys, a log takes for a new line, or a reader is misled by: control characters (C0, DEL, C1), line and
 * paragraph separators, marks that turn the direction of reading, and halves of a character.
 */
const obeyed = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}]/gu;

const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * A text that others wrote, as one line for the eye: what a terminal would obey is written as an escape, `\u001b`. In JSON
 * text of one line these escapes are JSON's own, so that it stays the same value.
 */
export function printable(text: string): string {
  return text.replace(obeyed, (each) => short[each] ?? `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const maxLength = 300;

/** As `printable`, and not longer than a log or a message can bear. */
export function shortened(text: string): string {
  return printable(text.length > maxLength ? `${text.slice(0, maxLength)}…` : text);
}
