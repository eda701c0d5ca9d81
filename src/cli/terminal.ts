import type { Readable } from "node:stream";

/** What a command reads from and writes to. */
export interface Terminal {
  readonly stdin: Readable;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Prints a line of the result. Resolves when more may follow: a slow reader slows the stream of replies. */
  print(line: string): Promise<void>;
  /** Prints a line for the eye, which is not part of the result. */
  note(line: string): void;
}

/**
 * This process's own. When the reader of its output has gone (`trunkline ls | head -1`), the process ends quietly, as
 * other commands do.
 */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  for (const stream of [stdout, stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  }
  return {
    stdin,
    env,
    print: (line) => new Promise((resolve) => stdout.write(`${line}\n`, () => resolve())),
    note: (line) => void stderr.write(`${line}\n`),
  };
}
