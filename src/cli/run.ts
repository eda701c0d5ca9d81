import { readFileSync } from "node:fs";
import { shownUri } from "../core/shown-uri.ts";
import type { Command } from "./command.ts";
import { errorLine } from "./error-line.ts";
import { commandHelp, generalHelp } from "./help.ts";
import { parse } from "./parse.ts";
import { didYouMean } from "./suggest.ts";
import type { Terminal } from "./terminal.ts";
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
  {
    name: "policy",
    summary: "Show and change timeouts, retries and more of what is running.",
    load: async () => (await import("./policy.ts")).policy,
  },
  {
    name: "top",
    summary: "Watch the processes of a fleet: what is wrong, and what is called.",
    load: async () => (await import("./top.ts")).top,
  },
  {
    name: "why",
    summary: "Explain calls that failed or were slow.",
    load: async () => (await import("./why.ts")).why,
  },
  {
    name: "drain",
    summary: "Take a server out of service without losing a call.",
    load: async () => (await import("./drain.ts")).drain,
  },
  {
    name: "completion",
    summary: "Print what makes bash, zsh or fish complete commands and flags.",
    load: async () => (await import("./completion.ts")).completion(commands),
  },
];

/**
 * Runs a command line, until it is done or the signal aborts.
 * @returns the exit code: 0, 1 for a failure, 2 for a wrong command line, 130 for what was interrupted
 */
export async function run(args: readonly string[], terminal: Terminal, signal: AbortSignal): Promise<number> {
  try {
    return await runCommand(args, terminal, signal);
  } catch (error) {
    if (error instanceof UsageError) {
      const [name] = args;
      const command = commands.some((each) => each.name === name) ? `${name} ` : "";
      terminal.note(error.message, `trunkline ${command}--help shows how to write it.`);
      return 2;
    }
    terminal.note(errorLine(error));
    return 1;
  }
}

async function runCommand(args: readonly string[], terminal: Terminal, signal: AbortSignal): Promise<number> {
  const show = async (text: string): Promise<number> => {
    await terminal.print(...text.split("\n"));
    return 0;
  };
  const [name = "--help", ...rest] = args;
  if (name === "help" && rest[0] !== undefined) return runCommand([rest[0], "--help"], terminal, signal);
  if (name === "--help" || name === "-h" || name === "help") return show(generalHelp(commands));
  if (name === "--version") return show(version());
  const listed = commands.find((each) => each.name === name);
  if (listed === undefined) throw unknown(name);
  const command = await listed.load();
  const { values, positionals } = parse(command, rest);
  if (values.help === true) return show(commandHelp(command));
  return command.run({ values, positionals, terminal, signal });
}

function unknown(name: string): UsageError {
  const [what, known] = name.startsWith("-")
    ? ["flag", ["--help", "--version"]]
    : ["command", commands.map((each) => each.name)];
  return new UsageError(`trunkline has no ${what} ${shownUri(name)}${didYouMean(name, known)}`);
}

/** The package asks for itself by its name: its sources and what is built from them stand at different depths. */
function version(): string {
  const url = new URL(import.meta.resolve("trunkline/package.json"));
  return (JSON.parse(readFileSync(url, "utf8")) as { version: string }).version;
}
