import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";

export const repository: string = resolve(import.meta.dirname, "../..");

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Node's flags; by default those that run this repository's sources unbuilt. */
  readonly execArgv?: readonly string[];
  /** `pipe` for a program that reads what the test writes to `child.stdin`; nothing by default. */
  readonly stdin?: "ignore" | "pipe";
  /** In a process group of its own: signal it by `process.kill(-child.pid)`, as a terminal's Ctrl-C would. */
  readonly group?: boolean;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running program of which a test reads the output. */
export interface Program {
  readonly child: ChildProcess;
  /** Resolves with the output so far once it matches; rejects when the program ends before. */
  printed(pattern: RegExp): Promise<string>;
  readonly ended: Promise<Ended>;
}

/** Starts a Node program. Stop it by its `child`, and await `ended`. */
export function startProgram(file: string, args: readonly string[] = [], options: ProgramOptions = {}): Program {
  const { cwd = repository, env = process.env, execArgv = ["--conditions=@trunkline/source"] } = options;
  const stdio = [options.stdin ?? "ignore", "pipe", "pipe"] as const;
  return watch(spawn(process.execPath, [...execArgv, file, ...args], { cwd, env, stdio: [...stdio] }));
}

/** Starts a command. Stop it by its `child`, and await `ended`. */
export function startCommand(command: string, args: readonly string[], options: ProgramOptions = {}): Program {
  const { cwd = repository, env = process.env, group = false, stdin = "ignore" } = options;
  return watch(spawn(command, args, { cwd, env, stdio: [stdin, "pipe", "pipe"], detached: group }));
}

/** Runs a command to its end. */
export function run(command: string, args: readonly string[], options: ProgramOptions = {}): Promise<Ended> {
  return startCommand(command, args, options).ended;
}

/** Runs a Node program to its end. */
export function runProgram(file: string, args: readonly string[] = [], options: ProgramOptions = {}): Promise<Ended> {
  return startProgram(file, args, options).ended;
}

function watch(child: ChildProcess): Program {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
    child.emit("printed");
  });
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
    child.emit("printed");
  });
  const ended = once(child, "close").then(([code, signal]): Ended => ({ code, signal, stdout, stderr }));
  let over = false;
  ended.then(
    () => {
      over = true;
      child.emit("printed");
    },
    () => {},
  );
  return {
    child,
    ended,
    async printed(pattern) {
      while (!pattern.test(stdout + stderr)) {
        if (over) throw new Error(`the program ended without printing ${pattern}:\n${stdout}${stderr}`);
        await once(child, "printed");
      }
      return stdout + stderr;
    },
  };
}
