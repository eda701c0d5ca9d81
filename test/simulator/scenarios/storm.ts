import type { Balancer } from "../../../src/balance/balancer.ts";
import { leastLoaded } from "../../../src/balance/least-loaded.ts";
import { type RetryBudget, retryBudget } from "../../../src/retry/budget.ts";
import type { Random } from "../random.ts";
import { ms, percent, type Section, times } from "../section.ts";
import {
  arrivals,
  between,
  type ClientOptions,
  createClient,
  createWorld,
  load,
  lost,
  type Outcome,
  type World,
} from "../world.ts";

const unlimited: RetryBudget = { deposit() {}, withdraw: () => true, balance: Number.POSITIVE_INFINITY };

interface Setting {
  readonly name: string;
  readonly client: (world: World) => Omit<ClientOptions, "balancer">;
}

const settings: readonly Setting[] = [
  { name: "no retries, no circuits", client: () => ({ breaker: false, policy: { retry: false } }) },
  { name: "retries without a budget, no circuits", client: () => ({ breaker: false, budget: unlimited }) },
  {
    name: "a budget with 10 s of savings, no circuits",
    client: ({ clock }) => ({ breaker: false, budget: retryBudget({ clock, ttlMs: 10_000, floorPerSecond: 10 }) }),
  },
  { name: "the default budget, no circuits", client: () => ({ breaker: false }) },
  { name: "the defaults", client: () => ({}) },
];

/** What a fault of all servers at once is multiplied to. */
export async function storm(sizes: readonly number[] = [3, 30, 1_000]): Promise<Section> {
  const rows: string[][] = [];
  for (const servers of sizes) {
    for (const { name, client } of settings) {
      const { amplification, recoveredMs, lostAfter } = await outage(servers, client);
      rows.push([String(servers), name, times(amplification), ms(recoveredMs), percent(lostAfter)]);
    }
  }
  return {
    title: "A retry storm",
    about:
      "Every server answers every call with UNAVAILABLE for 5 s. One client, 70 calls a second for each server (7 for " +
      "each of 1,000), all of them idempotent. Attempts: those that reached a server in the 5 s, for each call made in " +
      "them. Recovered: from the end of the fault until the last call that failed was made. Lost after: of the calls " +
      "in the 5 s that follow.",
    columns: ["servers", "client", "attempts a call", "recovered after", "lost after"],
    rows,
  };
}

export interface Outage {
  /** Attempts that reached a server during the fault, for each call made in it. */
  readonly amplification: number;
  /** The same for idempotent calls alone. */
  readonly idempotentAmplification: number;
  readonly recoveredMs: number;
  readonly lostAfter: number;
}

/** 5 s of health, 5 s in which every server fails, 5 s of health again. */
export async function outage(count: number, client: Setting["client"], idempotent = 1): Promise<Outage> {
  const world = createWorld({ servers: count });
  const { servers } = world;
  const balancer = (random: Random): Balancer => leastLoaded({ random });
  const handle = createClient(world, servers, { balancer, ...client(world) });
  const arrived: number[] = [];
  const turn = (failing: number) => (): void => {
    arrived.push(arrivals(servers));
    for (const server of servers) server.failing = failing;
  };
  const outcomes = await load(world, [handle], {
    perSecond: count * (count > 100 ? 7 : 70),
    durationMs: 15_000,
    idempotent,
    events: { 5000: turn(1), 10000: turn(0) },
  });
  const [before = 0, after = 0] = arrived;
  const attempts = after - before;
  const during = between(outcomes, 5_000, 10_000);
  const safe = during.filter((outcome) => outcome.idempotent).length;
  return {
    amplification: attempts / during.length,
    idempotentAmplification: (attempts - (during.length - safe)) / safe,
    recoveredMs: recoveryMs(outcomes),
    lostAfter: lost(between(outcomes, 10_000, 15_000)),
  };
}

/** How long after the fault's end the last call was made that failed. */
function recoveryMs(outcomes: readonly Outcome[]): number {
  const failed = between(outcomes, 10_000, 15_000).filter(({ code }) => code !== "OK");
  return Math.max(10_000, ...failed.map(({ startedMs }) => startedMs)) - 10_000;
}
