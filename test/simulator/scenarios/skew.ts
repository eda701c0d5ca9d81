import type { Balancer } from "../../../src/balance/balancer.ts";
import { consistentHash } from "../../../src/balance/consistent-hash.ts";
import { leastLoaded } from "../../../src/balance/least-loaded.ts";
import { peakEwma } from "../../../src/balance/peak-ewma.ts";
import { roundRobin } from "../../../src/balance/round-robin.ts";
import { subset } from "../../../src/balance/subset.ts";
import { weighted } from "../../../src/balance/weighted.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import type { Random } from "../random.ts";
import { ms, type Section, times } from "../section.ts";
import { arrivals, createClient, createWorld, load, percentileMs, type World } from "../world.ts";

type MakeBalancer = (random: Random, world: World) => Balancer;

const balancers: Readonly<Record<string, MakeBalancer>> = {
  roundRobin: (random) => roundRobin({ random }),
  weighted: (random) => weighted({ random }),
  leastLoaded: (random) => leastLoaded({ random }),
  peakEwma: (random, { clock }) => peakEwma({ random, clock }),
  consistentHash: (random) => consistentHash({ random, key: "user" }),
  "consistentHash, bounded by 1.25": (random) => consistentHash({ random, key: "user", maxLoadFactor: 1.25 }),
};

const columns = ["servers", "balancer", "busiest", "slow", "p50", "p99", "p99.9"];

/** How evenly each balancer spreads calls, and what that does to the slowest of them. */
export async function skew(sizes: readonly number[] = [3, 30, 1_000]): Promise<Section> {
  const rows: string[][] = [];
  for (const servers of sizes) {
    for (const [name, balancer] of Object.entries(balancers)) {
      rows.push([String(servers), name, ...(await spread(servers, 10, balancer))]);
    }
  }
  return {
    title: "How calls spread",
    about:
      "Ten clients at half of what the servers can do. Each server works on 4 calls at a time, 20 ms on the average; one " +
      "in ten, and at least one, takes twice as long, which only `weighted` is told. Calls come from 1,000 users, all as " +
      "busy as each other. Busiest, slow: the calls of the server that got the most, and of the slow ones, over the average.",
    columns,
    rows,
  };
}

/** What it does to the spread when a client knows only a part of a large fleet. */
export async function subsets(sizes: readonly number[] = [20, 100, 300]): Promise<Section> {
  const rows: string[][] = [];
  for (const size of sizes) {
    rows.push([String(size), ...(await spread(1_000, 100, (random) => leastLoaded({ random }), size))]);
  }
  return {
    title: "Subsets of a large fleet",
    about: "A hundred clients of 1,000 servers, each connected to a subset of them; the rest as above.",
    columns: ["servers a client", ...columns.slice(2)],
    rows,
  };
}

async function spread(count: number, clientCount: number, balancer: MakeBalancer, size?: number): Promise<string[]> {
  const slow = Math.max(1, Math.floor(count / 10));
  const world = createWorld({ servers: count, slow });
  const { servers, random } = world;
  const clients = Array.from({ length: clientCount }, (_, i) =>
    createClient(world, servers, {
      balancer: () => balancer(random, world),
      ...(size !== undefined && { narrow: (resolver) => subset(resolver, { size, client: `client ${i}` }) }),
    }),
  );
  const users = Array.from({ length: 1_000 }, (_, i) => Metadata.from({ user: `user ${i}` }));
  const perSecond = 0.5 * world.capacity;
  const outcomes = await load(world, clients, {
    perSecond,
    durationMs: Math.max(1_000, 50_000_000 / perSecond),
    timeoutMs: 10_000,
    metadata: () => users[Math.floor(random() * users.length)] as Metadata,
  });
  const average = outcomes.length / count;
  const most = Math.max(...servers.map((server) => server.arrived));
  const onSlow = arrivals(servers.slice(0, slow)) / slow;
  const latencies = [0.5, 0.99, 0.999].map((part) => ms(percentileMs(outcomes, part)));
  return [times(most / average), times(onSlow / average), ...latencies];
}
