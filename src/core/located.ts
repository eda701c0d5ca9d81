import { lastRead } from "./last-read.ts";
import { shortened } from "./printable.ts";

/**
 * Does work on `value`, which is a message or JSON for one.
 * @throws TypeError for what does not fit, with where in `value` it stands: `items[3].price: …`
 */
export function located<V, R>(value: V, work: (value: V) => R): R {
  try {
    return work(value);
  } catch (cause) {
    throw misfit(cause, lastRead(value, work));
  }
}

/** The error of what does not fit, with where it stands. Without its cause, which has the text that did not fit. */
export function misfit(cause: unknown, path: string): TypeError {
  const why = shortened(withoutText((cause as Error).message));
  return new TypeError(path === "" ? why : `${shortened(path)}: ${why}`);
}

/** What @bufbuild/protobuf says of a value, text that may be a secret left out: errors are logged. */
function withoutText(why: string): string {
  return why
    .replace(/(got|from JSON:) ".*"/s, "$1 a string")
    .replace(/(expected [\w. ]+(?: \(\w+\))?): (.*) out of range$/s, (whole, wanted: string, given: string) =>
      /^-?[\d.]+(e[+-]?\d+)?$/.test(given) ? whole : `${wanted}: a string out of range`,
    );
}
