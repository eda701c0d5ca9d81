import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { subset } from "../../src/balance/subset.ts";
import { createChannel } from "../../src/client/channel.ts";
import { createClient } from "../../src/client/client.ts";
import { etcd } from "../../src/registry/etcd/index.ts";
import { Bench } from "../contract.ts";
import { changingResolver, type Fleet } from "./changing-fleet.ts";

export interface FollowOptions extends Fleet {
  /** The registry; a resolver of the client's own process by default. */
  readonly uri?: string | undefined;
  /** The servers that are seen of all; all by default. */
  readonly subset?: number | undefined;
  readonly durationMs: number;
}

/** What a channel spent and what its calls saw, at a few hundred calls a second. */
export interface Followed {
  /** The part of a core that the client used, from 0 to 1. */
  readonly core: number;
  readonly loopP99Ms: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly calls: number;
  readonly failed: number;
}

/** Milliseconds until every server is connected, or what has not been by then never is. */
const settleMs = 5_000;

export async function followFleet(options: FollowOptions): Promise<Followed> {
  const registry = options.uri === undefined ? undefined : etcd(options.uri);
  const all = registry ?? changingResolver(options);
  const { subset: size } = options;
  const channel = createChannel({ registry: size === undefined ? all : subset(all, { size, client: "bench" }) });
  const client = createClient(Bench, channel);
  const hello = () => client.hello({ text: "world" }, { timeoutMs: 10_000 });
  await hello();
  await sleep(settleMs);

  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const took: number[] = [];
  let failed = 0;
  const cpuBefore = process.cpuUsage();
  const began = performance.now();
  while (performance.now() - began < options.durationMs) {
    const started = performance.now();
    await hello().catch(() => failed++);
    took.push(performance.now() - started);
    await sleep(2);
  }
  const elapsedMs = performance.now() - began;
  const { user, system } = process.cpuUsage(cpuBefore);
  delay.disable();
  await channel.close(0);
  await registry?.close();
  took.sort((a, b) => a - b);
  const share = (part: number) => 1000 * (took[Math.floor(took.length * part)] as number);
  return {
    core: (user + system) / 1000 / elapsedMs,
    loopP99Ms: delay.percentile(99) / 1e6,
    p50Us: share(0.5),
    p99Us: share(0.99),
    calls: took.length,
    failed,
  };
}
