import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Answer, Task, Tasks } from "./messages.ts";

const worker = fileURLToPath(new URL("worker.ts", import.meta.url));
const running = new Set<ChildProcess>();

/** A contender's server or client. */
export interface Worker {
  ask<T extends Task>(task: T, ask: Tasks[T]["ask"]): Promise<Tasks[T]["answer"]>;
  stop(): Promise<void>;
}

export interface WorkerOptions {
  /** The core to stay on; anywhere by default. */
  readonly core?: number | undefined;
  /** Flags for node. */
  readonly flags?: readonly string[];
  /** Milliseconds until an answer that does not come is a failure; 60,000 by default. */
  readonly timeoutMs?: number;
}

/**
 * Starts a process for a contender.
 * @throws Error that says what the process said, where it does not start
 */
export async function startWorker(contender: string, options: WorkerOptions = {}): Promise<Worker> {
  const { core, flags = [], timeoutMs = 60_000 } = options;
  const command = [process.execPath, "--conditions=@trunkline/source", "--no-warnings", ...flags, worker, contender];
  const pinned = core === undefined ? command : ["taskset", "-c", `${core}`, ...command];
  const child = spawn(pinned[0] as string, pinned.slice(1), { stdio: ["ignore", "ignore", "pipe", "ipc"] });
  running.add(child);
  const waiting = new Map<number, { resolve: (answer: any) => void; reject: (error: Error) => void }>();
  let said = "";
  let last = 0;
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk).slice(-4000);
  });
  const gone = new Promise<void>((resolve) => {
    const end = (why: string) => {
      running.delete(child);
      const error = new Error(`the process of ${contender} ended (${why})${said && `:\n${said}`}`);
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
      resolve();
    };
    child.on("close", (code, signal) => end(signal ?? `code ${code}`));
    child.on("error", (error) => end(error.message));
  });
  child.on("message", (answer: Answer) => {
    const asked = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ("failure" in answer) asked?.reject(new Error(`${contender}: ${answer.failure}`));
    else asked?.resolve(answer.answer);
  });
  const answerTo = (id: number, what: string) =>
    new Promise<any>((resolve, reject) => {
      const late = () => reject(new Error(`${contender} did not answer "${what}" within ${timeoutMs} ms`));
      const timer = setTimeout(late, timeoutMs);
      waiting.set(id, {
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
    });
  await answerTo(0, "start");
  return {
    ask(task, ask) {
      if (!running.has(child)) return Promise.reject(new Error(`the process of ${contender} has ended`));
      last += 1;
      const answer = answerTo(last, task);
      child.send({ id: last, task, ask });
      return answer;
    },
    async stop() {
      // It may write its profile before it ends.
      if (child.connected) child.send({ id: 0, task: "end", ask: {} });
      const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
      await gone;
      clearTimeout(timer);
    },
  };
}

/** Ends every process at once. */
export function killWorkers(): void {
  for (const child of running) child.kill("SIGKILL");
}
