import { clearScreenDown, cursorTo } from "node:readline";
import { styleText } from "node:util";
import { printable } from "../core/printable.ts";

export type Style = "bold" | "dim" | "green" | "red" | "yellow";

/** A line, in parts that each look in their own way. */
export type Line = readonly (string | { readonly text: string; readonly style: Style })[];

/** A terminal that is watched: what is drawn takes the place of what was drawn before. */
export interface Screen {
  readonly rows: number;
  draw(lines: readonly Line[]): void;
}

/** The screen of a stream; `undefined` where it is none. Colours fall away where the environment says so. */
export function screenOf(stream: NodeJS.WriteStream): Screen | undefined {
  if (!stream.isTTY) return undefined;
  return {
    get rows() {
      return stream.rows;
    },
    draw(lines) {
      const fitting = lines.slice(0, stream.rows - 1).map((line) => styled(cut(line, stream.columns), stream));
      cursorTo(stream, 0, 0);
      clearScreenDown(stream);
      stream.write(`${fitting.join("\n")}\n`);
    },
  };
}

/** The line without its looks. */
export function plain(line: Line): string {
  return line.map((part) => (typeof part === "string" ? part : part.text)).join("");
}

function styled(line: Line, stream: NodeJS.WriteStream): string {
  return line.map((part) => (typeof part === "string" ? part : styleText(part.style, part.text, { stream }))).join("");
}

/** What others wrote must not command the terminal, and a line that is too long must not become two. */
function cut(line: Line, columns: number): Line {
  let left = columns;
  return line.map((part) => {
    const text = printable(typeof part === "string" ? part : part.text).slice(0, left);
    left -= text.length;
    return typeof part === "string" ? text : { ...part, text };
  });
}
