#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { RpcError } from "../core/rpc-error.ts";
import type { Command } from "./command.ts";
import { commandHelp, generalHelp } from "./help.ts";
import { endWithReader, note, print } from "./output.ts";
import { parse } from "./parse.ts";
import { didYouMean } from "./suggest.ts";
import { UsageError } from "./usage-error.ts";

interface Listed {
  readonly name: string;
  readonly summary: string;
  /** Loaded only when it is run, so that `--help` and a typo are answered at once. */
  load(): Promise<Command>;
}

const commands: readonly Listed[] = [
  {
    name: "dev",
    summary: "Run a registry in this terminal, for development.",
    load: async () => (await import("./dev.ts")).dev,
  },
  {
    name: "call",
    summary: "Call a method, with JSON in and out.",
    load: async () => (await import("./call.ts")).call,
  },
  {
    name: "ls",
    summary: "List the services in the registry, and their servers.",
    load: async () => (await import("./ls.ts")).ls,
  },
];

/** Runs the command line. @returns the exit code: 0, 1 for a failure, 2 for a wrong command line, 130 for Ctrl-C */
async function main(args: readonly string[]): Promise<number> {
  const [name = "--help", ...rest] = args;
  if (name === "--help" || name === "-h" || name === "help") return shown(generalHelp(commands));
  if (name === "--version") return shown(version());
  const listed = commands.find((each) => each.name === name);
  if (listed === undefined) {
    const what = name.startsWith("-") ? "flag" : "command";
    const known = what === "flag" ? ["--help", "--version"] : commands.map((each) => each.name);
    throw new UsageError(`trunkline has no ${what} ${name}${didYouMean(name, known)}`);
  }
  const command = await listed.load();
  const input = parse(command, rest);
  if (input.values.help === true) return shown(commandHelp(command));
  return command.run({ ...input, signal: interruption() });
}

async function shown(text: string): Promise<number> {
  await print(text);
  return 0;
}

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

/** The package asks for itself by its name: its sources and what is built from them stand at different depths. */
function version(): string {
  const url = new URL(import.meta.resolve("trunkline/package.json"));
  return (JSON.parse(readFileSync(url, "utf8")) as { version: string }).version;
}

function report(error: unknown, [name]: readonly string[]): number {
  if (error instanceof UsageError) {
    const command = commands.some((each) => each.name === name) ? `${name} ` : "";
    note(error.message);
    note(`trunkline ${command}--help shows how to write it.`);
    return 2;
  }
  note(RpcError.is(error) ? `${error.codeName}: ${error.message}` : (error as Error).message);
  return 1;
}

endWithReader();
const args = process.argv.slice(2);
process.exit(await main(args).catch((error: unknown) => report(error, args)));
