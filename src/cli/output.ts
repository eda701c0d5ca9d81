/**
 * Ends the process quietly when the reader of its output has gone (`trunkline ls | head -1`), as other commands do.
 */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      process.exit(error.code === "EPIPE" ? 0 : 1);
    });
  }
}

/** Prints a line, and resolves when it may be followed by more: a slow reader slows the stream of replies. */
export function print(line: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(`${line}\n`, () => resolve());
  });
}

/** Prints a line for the eye: what is not the command's result. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}
