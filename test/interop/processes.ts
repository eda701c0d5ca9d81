import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { repository } from "../support/program.ts";

/** What a build may take: five times what it takes on a slow machine with nothing else to do. */
export const BUILD_MS: number = 1_200_000;

export interface StartOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Milliseconds until it is killed; 240,000 by default. */
  readonly timeoutMs?: number;
}

export interface Running {
  readonly child: ChildProcess;
  /** All that it has printed so far, on both streams. */
  readonly output: string;
  /** Resolves with the match once the output has it. @throws Error when the program ends before, or after 30 s */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Its exit code; `null` when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** How it ended, in words that follow its name: `ended with code 1`, `was killed: it took longer than 240 s`. */
  readonly outcome: string;
  stop(): Promise<void>;
}

const running = new Set<Running>();

/** Starts a program in a process group of its own, so that Ctrl-C reaches it only through `stopAll`. */
export function start(command: string, args: readonly string[] = [], options: StartOptions = {}): Running {
  const { env = {}, cwd = repository, timeoutMs = 240_000 } = options;
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
      child.emit("printed");
    });
  }
  child.on("error", (error) => {
    output += `${error}`;
  });
  let over = false;
  let outcome = "is running";
  let late = false;
  const ended = new Promise<number | null>((resolve) => {
    child.once("close", (code, signal) => {
      if (late) outcome = `was killed: it took longer than ${timeoutMs / 1_000} s`;
      else outcome = signal === null ? `ended with code ${code}` : `was killed by ${signal}`;
      if (signal !== null) output += `\n${command} ${outcome}\n`;
      resolve(code);
    });
  }).finally(() => {
    over = true;
    clearTimeout(tooLong);
    running.delete(self);
    child.emit("printed");
  });
  const kill = (signal: NodeJS.Signals): void => {
    if (child.pid === undefined || over) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // The group is gone already.
    }
  };
  const tooLong = setTimeout(() => {
    late = true;
    kill("SIGKILL");
  }, timeoutMs);

  const self: Running = {
    child,
    ended,
    get output() {
      return output;
    },
    get outcome() {
      return outcome;
    },
    async printed(pattern) {
      const giveUp = AbortSignal.timeout(30_000);
      for (;;) {
        const found = pattern.exec(output);
        if (found !== null) return found;
        if (over) throw new Error(`${command} ${outcome} without printing ${pattern}: ${output.slice(-500)}`);
        await once(child, "printed", { signal: giveUp }).catch(() => {
          throw new Error(`${command} did not print ${pattern} within 30 s: ${output.slice(-500)}`);
        });
      }
    },
    async stop() {
      kill("SIGTERM");
      const hard = setTimeout(kill, 8_000, "SIGKILL");
      await ended;
      clearTimeout(hard);
    },
  };
  running.add(self);
  return self;
}

/** Starts a program of this repository by Node, from its sources. */
export function startNode(file: string, args: readonly string[] = [], options: StartOptions = {}): Running {
  return start(process.execPath, ["--conditions=@trunkline/source", file, ...args], options);
}

/** Runs a program to its end and gives what it printed. @throws Error when it fails */
export async function run(command: string, args: readonly string[] = [], options: StartOptions = {}): Promise<string> {
  const program = start(command, args, options);
  if ((await program.ended) === 0) return program.output;
  throw new Error(`${command} ${args.join(" ")} ${program.outcome}: ${program.output.slice(-1_500)}`);
}

export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((each) => each.stop()));
}
