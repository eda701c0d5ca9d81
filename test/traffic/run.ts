import { join } from "node:path";
import { authority } from "../support/certs.ts";
import { createFragmentingProxy } from "../support/fragmenting-proxy.ts";
import { startProgram } from "../support/program.ts";
import { randomFrom } from "../transport/http2/random.ts";
import { oneCall } from "./one-call.ts";
import { describe, type Setup, wire } from "./wires.ts";

/** Calls under way at a time. */
const lanes = 24;
/** No call takes so long by itself: it hangs. */
const hangsAfterMs = 25_000;

export interface Traffic {
  readonly setup: Setup;
  readonly seed: number;
  /** What is begun is finished; `minCalls` are made however long they take. */
  readonly forMs: number;
  readonly minCalls?: number;
}

/** Random calls of all kinds against a server in another process. Resolves with how many; rejects with what went wrong. */
export async function runTraffic({ setup, seed, forMs, minCalls = lanes }: Traffic): Promise<number> {
  const program = startProgram(join(import.meta.dirname, "server.ts"), [], {
    env: { ...process.env, SETUP: JSON.stringify(setup) },
  });
  const random = randomFrom(seed);
  const closes: (() => Promise<unknown>)[] = [];
  try {
    const server = /listening on (\S+)/.exec(await program.printed(/listening on \S+\n/))?.[1] as string;
    const proxy = setup.fragments ? await createFragmentingProxy(server, randomFrom(seed + 1)) : undefined;
    if (proxy) closes.push(proxy.close);
    const peer = wire(setup.client, setup.windows).connect(
      { address: proxy?.address ?? server },
      { ...(setup.tls && { tls: { ca: authority } }), compression: setup.compression },
    );
    closes.unshift(() => peer.close());
    const until = performance.now() + forMs;
    let made = 0;
    let failed = false;
    const lane = async (): Promise<void> => {
      while (!failed && (performance.now() < until || made < minCalls))
        await withinReason(made, oneCall(peer, random, made++));
    };
    const stop = (error: unknown): never => {
      failed = true;
      throw error;
    };
    await Promise.all(Array.from({ length: lanes }, () => lane().catch(stop)));
    for (const close of closes.splice(0)) await close();
    program.child.kill("SIGTERM");
    const { stdout, stderr } = await program.ended;
    const faults = [...`${stdout}\n${stderr}`.matchAll(/^(?!listening).+$/gm)].map(([line]) => line);
    if (faults.length > 0) throw new Error(`the server saw: ${faults.slice(0, 20).join("\n")}`);
    return made;
  } catch (cause) {
    throw new Error(`${describe(setup)}, seed ${seed}: ${(cause as Error).message}`, { cause });
  } finally {
    program.child.kill("SIGKILL");
    for (const close of closes) close().catch(() => {});
  }
}

async function withinReason(key: number, call: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const alarm = setTimeout(() => reject(new Error(`call ${key} has not ended after ${hangsAfterMs} ms`)), hangsAfterMs);
  try {
    await Promise.race([call, promise]);
  } finally {
    clearTimeout(alarm);
  }
}
