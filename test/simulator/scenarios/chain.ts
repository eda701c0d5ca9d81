import { leastLoaded } from "../../../src/balance/least-loaded.ts";
import type { Call, Handler, Reply } from "../../../src/core/call.ts";
import { runInCall } from "../../../src/core/context.ts";
import { type Section, times } from "../section.ts";
import type { Server } from "../server.ts";
import { arrivals, type ClientOptions, createClient, createWorld, load, type World } from "../world.ts";

const unlimited = { deposit() {}, withdraw: () => true, balance: Number.POSITIVE_INFINITY };

interface Setting {
  readonly name: string;
  readonly client: Partial<ClientOptions>;
  /** Runs a server's work as the answer to its call, from which the next level can tell that it is within a retry. */
  readonly within: (call: Call, work: () => Promise<Reply>) => Promise<Reply>;
}

const settings: readonly Setting[] = [
  {
    name: "each level for itself, without a budget",
    client: { breaker: false, budget: unlimited },
    within: (_, work) => work(),
  },
  { name: "each level for itself", client: { breaker: false }, within: (_, work) => work() },
  { name: "one level, without a budget", client: { breaker: false, budget: unlimited }, within: runInCall },
  { name: "one level", client: { breaker: false }, within: runInCall },
  { name: "the defaults", client: {}, within: runInCall },
];

/** What a fault at the bottom of a chain of services is multiplied to. */
export async function chain(): Promise<Section> {
  const rows: string[][] = [];
  for (const { name, client, within } of settings) {
    const world = createWorld({ servers: 9 });
    const levels = [world.servers.slice(0, 3), world.servers.slice(3, 6), world.servers.slice(6)] as const;
    for (const server of levels[2]) server.failing = 1;
    for (const i of [0, 1] as const) {
      for (const server of levels[i]) callOn(server, world, levels[i + 1] as readonly Server[], client, within);
    }
    const top = createClient(world, levels[0], { balancer: (random) => leastLoaded({ random }), ...client });
    const outcomes = await load(world, [top], { perSecond: 100, durationMs: 20_000, timeoutMs: 5_000 });
    rows.push([name, ...levels.map((level) => times(arrivals(level) / outcomes.length))]);
  }
  return {
    title: "A chain of services",
    about:
      "Three services of three servers each: the first calls the second to answer, that one the third, whose servers fail every " +
      "call. 100 calls a second for 20 s. Attempts that reach each level, for each call made to the first.",
    columns: ["retries", "first", "second", "third"],
    rows,
  };
}

function callOn(
  server: Server,
  world: World,
  below: readonly Server[],
  options: Partial<ClientOptions>,
  within: Setting["within"],
): void {
  const handle: Handler = createClient(world, below, { balancer: (random) => leastLoaded({ random }), ...options });
  server.work = (call) => within(call, () => handle(call.with({ attempt: 1, avoid: undefined, metadata: undefined })));
}
