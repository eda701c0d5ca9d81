import { leastLoaded } from "../../../src/balance/least-loaded.ts";
import { ms, percent, type Section } from "../section.ts";
import { arrivals, createClient, createWorld, load, percentileMs } from "../world.ts";

/** What hedging does for the slowest calls, and what it costs. */
export async function hedging(sizes: readonly number[] = [3, 30]): Promise<Section> {
  const rows: string[][] = [];
  for (const servers of sizes) {
    for (const delayMs of [undefined, 200, 100, 50]) {
      const world = createWorld({ servers });
      for (const server of world.servers) Object.assign(server, { stalling: 0.01, stallMs: 800 });
      const handle = createClient(world, world.servers, {
        balancer: (random) => leastLoaded({ random }),
        policy: delayMs === undefined ? {} : { hedge: { delayMs } },
      });
      const outcomes = await load(world, [handle], {
        perSecond: 0.3 * world.capacity,
        durationMs: servers > 3 ? 20_000 : 60_000,
        timeoutMs: 2_000,
      });
      const more = arrivals(world.servers) / outcomes.length - 1;
      const latencies = [0.5, 0.99, 0.999].map((part) => ms(percentileMs(outcomes, part)));
      rows.push([String(servers), delayMs === undefined ? "none" : `after ${delayMs} ms`, ...latencies, percent(more)]);
    }
  }
  return {
    title: "Hedging",
    about:
      "One call in a hundred is held up for 800 ms, whichever server it goes to. One client, balancing by least load, at 30 % of " +
      "what the servers can do. More: attempts on top of the calls.",
    columns: ["servers", "hedging", "p50", "p99", "p99.9", "more"],
    rows,
  };
}
