import type { Balancer } from "../../../src/balance/balancer.ts";
import { leastLoaded } from "../../../src/balance/least-loaded.ts";
import { roundRobin } from "../../../src/balance/round-robin.ts";
import type { Random } from "../random.ts";
import { ms, percent, type Section } from "../section.ts";
import type { Server } from "../server.ts";
import { type ClientOptions, createClient, createWorld, load, lost, percentileMs } from "../world.ts";

type Settings = Omit<ClientOptions, "balancer">;

export const sicknesses = {
  "fails all": (server: Server) => {
    server.failing = 1;
  },
  "fails half": (server: Server) => {
    server.failing = 0.5;
  },
  "50x slower": (server: Server) => {
    server.slowdown = 50;
  },
};

const clients: Readonly<Record<string, Settings>> = {
  neither: { breaker: false, policy: { retry: false } },
  circuits: { policy: { retry: false } },
  retries: { breaker: false },
  "the defaults: both": {},
  "both, and hedging after 100 ms": { policy: { hedge: { delayMs: 100 } } },
};

/** What one sick server costs its callers. */
export async function sick(sizes: readonly number[] = [3, 30]): Promise<Section> {
  const rows: string[][] = [];
  for (const servers of sizes) {
    for (const [sickness, infect] of Object.entries(sicknesses)) {
      for (const [name, settings] of Object.entries(clients)) {
        rows.push([String(servers), sickness, name, ...shown(await illness(servers, infect, settings))]);
      }
    }
  }
  return {
    title: "One sick server",
    about:
      "One server of several is sick for 20 s. Two clients, one balancing by round robin and one by least load, 70 calls a " +
      "second for each server with a deadline of 1 s; half of them idempotent.",
    columns: ["servers", "the sick one", "client", "idempotent lost", "others lost", "p99", "calls at the sick one"],
    rows,
  };
}

export interface Illness {
  readonly idempotentLost: number;
  readonly othersLost: number;
  readonly p99Ms: number;
  /** The part of the calls that the sick server was sent. */
  readonly sent: number;
}

export async function illness(count: number, infect: (server: Server) => void, settings: Settings): Promise<Illness> {
  const world = createWorld({ servers: count });
  const { servers } = world;
  const first = servers[0] as Server;
  infect(first);
  const balancers = [
    (random: Random): Balancer => roundRobin({ random }),
    (random: Random): Balancer => leastLoaded({ random }),
  ];
  const handles = balancers.map((balancer) => createClient(world, servers, { balancer, ...settings }));
  const outcomes = await load(world, handles, { perSecond: 70 * count, durationMs: 20_000, idempotent: 0.5 });
  return {
    idempotentLost: lost(outcomes.filter(({ idempotent }) => idempotent)),
    othersLost: lost(outcomes.filter(({ idempotent }) => !idempotent)),
    p99Ms: percentileMs(outcomes, 0.99),
    sent: first.arrived / outcomes.length,
  };
}

function shown({ idempotentLost, othersLost, p99Ms, sent }: Illness): string[] {
  return [percent(idempotentLost), percent(othersLost), ms(p99Ms), percent(sent)];
}
