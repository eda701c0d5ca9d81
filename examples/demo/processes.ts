import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

/** A server process that can be killed and started again where it was. */
export interface ServerProcess {
  readonly name: string;
  readonly address: string;
  /** False once its process has ended, until it is started again. */
  readonly running: boolean;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const program = new URL("./server.ts", import.meta.url);

export async function startServer(name: string, registry: string): Promise<ServerProcess> {
  let address = "127.0.0.1:0";
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const env = { ...process.env, NAME: name, ADDRESS: address, TRUNKLINE_REGISTRY: registry };
    const started = fork(program, { env, execArgv: process.execArgv });
    child = started;
    const [first] = await Promise.race([
      once(started, "message"),
      once(started, "exit").then(([code]) => Promise.reject(new Error(`server ${name} ended with code ${code}`))),
    ]);
    address = (first as { address: string }).address;
  }

  const running = () => child !== undefined && child.exitCode === null && child.signalCode === null;

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child === undefined || !running()) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  await start();
  return {
    name,
    get address() {
      return address;
    },
    get running() {
      return running();
    },
    start,
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
  };
}
