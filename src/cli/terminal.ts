import type { Readable } from "node:stream";
import { printable } from "../core/printable.ts";
import { type Screen, screenOf } from "./screen.ts";

/** What a command reads from and writes to. Whatever stands in a line, it is one line and cannot command the terminal. */
export interface Terminal {
  readonly stdin: Readable;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Prints lines of the result. Resolves when more may follow: a slow reader slows the stream of replies. */
  print(...lines: readonly string[]): Promise<void>;
  /** Prints lines for the eye, which are not part of the result. */
  note(...lines: readonly string[]): void;
  /** Where somebody watches; `undefined` where the output goes to a file or a program. */
  readonly screen?: Screen | undefined;
}

export interface TerminalStreams extends Pick<Terminal, "stdin" | "env" | "screen"> {
  readonly out: (text: string) => Promise<void>;
  readonly err: (text: string) => void;
}

/**
 * The one way out for what a command says. Names, values and messages come from servers and registries, so every line is
 * made printable here, whether a person or a program reads it: in JSON the escapes mean the same characters.
 */
export function createTerminal({ stdin, env, out, err, screen }: TerminalStreams): Terminal {
  const text = (lines: readonly string[]) => lines.map((line) => `${printable(line)}\n`).join("");
  return { stdin, env, screen, print: (...lines) => out(text(lines)), note: (...lines) => err(text(lines)) };
}

/**
 * This process's own. When the reader of its output has gone (`trunkline ls | head -1`), the process ends quietly, as
 * other commands do.
 */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  for (const stream of [stdout, stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(0);
      if (stream === stdout) stderr.write(`the output cannot be written: ${error.message}\n`);
      process.exit(1);
    });
  }
  return createTerminal({
    stdin,
    env,
    out: (text) => new Promise((resolve) => stdout.write(text, () => resolve())),
    err: (text) => void stderr.write(text),
    screen: screenOf(stdout),
  });
}
