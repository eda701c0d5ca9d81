import { Readable } from "node:stream";
import { onTestFinished } from "vitest";
import { run } from "../../src/cli/run.ts";
import type { Screen } from "../../src/cli/screen.ts";
import { createTerminal } from "../../src/cli/terminal.ts";
import { type Program, startProgram } from "../support/program.ts";

export interface TrunklineOptions {
  /** `TRUNKLINE_REGISTRY`; none by default, whatever the test's own environment says. */
  readonly registry?: string | undefined;
  /** What stands on its stdin. */
  readonly input?: string | undefined;
  /** In place of `input`. */
  readonly stdin?: Readable | undefined;
  /** Interrupts it when it aborts, as Ctrl-C does. */
  readonly signal?: AbortSignal | undefined;
  /** `TRUNKLINE_ADMIN_TOKEN`. */
  readonly token?: string | undefined;
  /** Somebody who watches. */
  readonly screen?: Screen | undefined;
  /** Called with each line that it prints; what it returns true for interrupts it, as Ctrl-C does. */
  readonly interrupt?: ((line: string) => boolean) | undefined;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process, with a terminal of its own. */
export async function trunkline(args: readonly string[], options: TrunklineOptions = {}): Promise<Outcome> {
  let [stdout, stderr] = ["", ""];
  const interruption = new AbortController();
  const terminal = createTerminal({
    stdin: options.stdin ?? Readable.from(options.input === undefined ? [] : [options.input]),
    env: { TRUNKLINE_REGISTRY: options.registry, TRUNKLINE_ADMIN_TOKEN: options.token },
    screen: options.screen,
    out: async (text) => {
      stdout += text;
      if (options.interrupt !== undefined && lines(text).some(options.interrupt)) interruption.abort();
    },
    err: (text) => {
      stderr += text;
    },
  });
  const code = await run(args, terminal, options.signal ?? interruption.signal);
  return { code, stdout, stderr };
}

export const main: string = new URL("../../src/cli/main.ts", import.meta.url).pathname;

/** Starts it as the process that it is for a user, from its sources. */
export function start(args: readonly string[]): Program {
  const { TRUNKLINE_REGISTRY: _, ...env } = process.env;
  const program = startProgram(main, args, { env, stdin: "pipe" });
  onTestFinished(() => void program.child.kill("SIGKILL"));
  return program;
}

/** The lines of an output. */
export function lines(output: string): string[] {
  return output.split("\n").filter((line) => line !== "");
}

/** What stands in an output as JSON. */
export function json(output: string): unknown {
  return JSON.parse(output);
}
