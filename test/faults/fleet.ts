import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createGuard } from "../support/guard.ts";
import type { MemoryAttackReport, MemoryAttackSettings } from "./memory-attack.ts";
import type {
  Behaviour,
  LoadCommand,
  LoadReport,
  LoadSettings,
  ServerCommand,
  ServerSettings,
  Usage,
} from "./protocol.ts";

/** A server process. Its address is its own for good, so that it can come back where it was. */
export interface FleetServer {
  /** Of the process. */
  readonly pid: number;
  readonly address: string;
  /** What it is bound to, where that is not what it announces. */
  readonly boundTo: string;
  start(): Promise<void>;
  /** Ends it and resolves when it is gone. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  freeze(): void;
  thaw(): void;
  behave(behaviour: Partial<Behaviour>): void;
  block(ms: number): void;
  measure(): Promise<Usage>;
}

export interface Load {
  readonly pid: number;
  /** Says that the fault happens now: recovery is counted from here. */
  mark(): void;
  /** Makes the caller's event loop stand still. */
  block(ms: number): void;
  measure(): Promise<Usage>;
  /** The account so far. */
  report(): Promise<LoadReport>;
  /** The account when every call has ended. */
  stop(): Promise<LoadReport>;
}

export interface MemoryAttack {
  readonly pid: number;
  /** Ends it, and tells what came of it. */
  end(): Promise<MemoryAttackReport>;
}

const children = new Set<ChildProcess>();

/** Kills what is left of every fleet. */
export async function endAll(): Promise<void> {
  await Promise.all([...children].map((child) => gone(child, "SIGKILL")));
}

export async function startFleetServer(
  settings: Omit<ServerSettings, "listen"> & { readonly listen?: string },
  file = "server.ts",
): Promise<FleetServer> {
  let { listen = "127.0.0.1:0" } = settings;
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    child = launch(file, { ...settings, listen });
    listen = await said(child, "address");
  }

  await start();
  const tell = (command: ServerCommand): void => void child?.send(command);
  return {
    get pid() {
      return child?.pid as number;
    },
    get address() {
      return settings.advertise ?? listen;
    },
    get boundTo() {
      return listen;
    },
    start,
    end: async (signal) => (child === undefined ? undefined : gone(child, signal)),
    freeze: () => void child?.kill("SIGSTOP"),
    thaw: () => void child?.kill("SIGCONT"),
    behave: (behave) => tell({ behave }),
    block: (blockMs) => tell({ blockMs }),
    measure() {
      if (child === undefined) throw new Error(`${listen} is not started`);
      return asked(child, "usage", { measure: true });
    },
  };
}

export async function startLoad(settings: LoadSettings): Promise<Load> {
  const child = launch("load.ts", settings);
  await said(child, "ready");
  const tell = (command: LoadCommand): void => void child.send(command);
  return {
    pid: child.pid as number,
    mark: () => tell({ do: "mark" }),
    block: (ms) => tell({ do: "block", ms }),
    measure: () => asked(child, "usage", { do: "measure" }),
    report: () => asked(child, "report", { do: "report" }),
    async stop() {
      const report: LoadReport = await asked(child, "report", { do: "stop" });
      await gone(child, "SIGTERM");
      return report;
    },
  };
}

/** Strangers that fill a server's memory. */
export async function startMemoryAttack(settings: MemoryAttackSettings): Promise<MemoryAttack> {
  const child = launch("memory-attack.ts", settings);
  return {
    pid: child.pid as number,
    async end() {
      const report = said<MemoryAttackReport>(child, "attack");
      child.send("end");
      await report;
      await gone(child, "SIGTERM");
      return report;
    },
  };
}

function launch(file: string, settings: object): ChildProcess {
  const child = fork(new URL(`./${file}`, import.meta.url), {
    env: { ...process.env, SETTINGS: JSON.stringify(settings) },
    execArgv: ["--conditions=@trunkline/source", "--expose-gc"],
  });
  // A frozen process does not notice that its parent is gone.
  const guard = createGuard();
  guard.watch(child.pid);
  children.add(child);
  child.once("exit", () => {
    children.delete(child);
    guard.end();
  });
  return child;
}

async function asked<T>(child: ChildProcess, what: string, command: ServerCommand | LoadCommand): Promise<T> {
  const answer = said<T>(child, what);
  child.send(command);
  return await answer;
}

/** The next message of a process that has this field. */
function said<T>(child: ChildProcess, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: Readonly<Record<string, T>>): void => {
      const value = message[what];
      if (value === undefined) return;
      stop();
      resolve(value);
    };
    const onExit = (code: number | null, signal: string | null): void => {
      stop();
      reject(new Error(`a process ended with ${code ?? signal} before it said ${what}`));
    };
    const stop = (): void => void child.off("message", onMessage).off("exit", onExit);
    child.on("message", onMessage).on("exit", onExit);
  });
}

async function gone(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGCONT");
  child.kill(signal);
  await exited;
}
