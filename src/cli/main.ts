#!/usr/bin/env node
import { hold } from "../core/hold.ts";
import { requireNode } from "../core/require-node.ts";
import { errorLine } from "./error-line.ts";
import { run } from "./run.ts";
import { processTerminal } from "./terminal.ts";

/** Aborts at the first Ctrl-C or SIGTERM; the second ends the process at once. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort();
    });
  }
  return controller.signal;
}

try {
  requireNode();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}

const terminal = processTerminal();
// Libraries warn programmers, with what others wrote in it. What a user should know is said by an error.
process.removeAllListeners("warning");
process.on("uncaughtException", (error) => {
  terminal.note(errorLine(error));
  process.exit(1);
});
// A command may wait for no more than a word of the registry.
hold();
process.exit(await run(process.argv.slice(2), terminal, interruption()));
