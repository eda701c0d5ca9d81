import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Behaviour, LoadCommand, LoadReport, LoadSettings, ServerSettings } from "./protocol.ts";

/** A server process. Its address is its own for good, so that it can come back where it was. */
export interface FleetServer {
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
}

export interface Load {
  /** Says that the fault happens now: recovery is counted from here. */
  mark(): void;
  /** Makes the caller's event loop stand still. */
  block(ms: number): void;
  stop(): Promise<LoadReport>;
}

const children = new Set<ChildProcess>();

/** Kills what is left of every fleet. */
export async function endAll(): Promise<void> {
  await Promise.all([...children].map((child) => gone(child, "SIGKILL")));
}

export async function startFleetServer(
  settings: Omit<ServerSettings, "listen">,
  file = "server.ts",
): Promise<FleetServer> {
  let listen = "127.0.0.1:0";
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    child = launch(file, { ...settings, listen });
    const { address } = (await said(child, "address")) as { address: string };
    listen = address;
  }

  await start();
  const tell = (message: object): void => void child?.send(message);
  return {
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
    block: (block) => tell({ block }),
  };
}

export async function startLoad(settings: LoadSettings): Promise<Load> {
  const child = launch("load.ts", settings);
  await said(child, "ready");
  const tell = (command: LoadCommand): void => void child.send(command);
  return {
    mark: () => tell({ do: "mark" }),
    block: (ms) => tell({ do: "block", ms }),
    async stop() {
      const reported = said(child, "report");
      tell({ do: "stop" });
      const { report } = (await reported) as { report: LoadReport };
      await gone(child, "SIGTERM");
      return report;
    },
  };
}

function launch(file: string, settings: object): ChildProcess {
  const child = fork(new URL(`./${file}`, import.meta.url), {
    env: { ...process.env, SETTINGS: JSON.stringify(settings) },
    execArgv: ["--conditions=@trunkline/source"],
  });
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

async function said(child: ChildProcess, what: string): Promise<unknown> {
  const ended = once(child, "exit").then(([code]) =>
    Promise.reject(new Error(`a process ended with ${code} before it said ${what}`)),
  );
  ended.catch(() => {});
  for (;;) {
    const [message] = await Promise.race([once(child, "message"), ended]);
    if (what in message) return message;
  }
}

async function gone(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGCONT");
  child.kill(signal);
  await exited;
}
