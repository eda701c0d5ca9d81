// Faults of connections and addresses: ended politely, forgotten, given out again, drained with streams on them.
import { setTimeout as sleep } from "node:timers/promises";
import { createGoawayProxy, type GoawayProxy } from "../support/goaway-proxy.ts";
import { createProxy, type TcpProxy } from "../support/proxy.ts";
import { startFleetServer } from "./fleet.ts";
import { course, first, type Scenario, type Stage, stage, untilCalled } from "./scenario.ts";

/** The other calls that one of three servers has in flight where it is killed; see `server-faults.ts`. */
const inFlight = Math.ceil((125 / 3) * 0.5);
/** Ten times as long as a machine that has nothing else to do needs. */
const drainedWithinMs = 3_000;

async function untilCalledAgain({ load }: Stage): Promise<void> {
  const { calls } = await load.report();
  while ((await load.report()).calls === calls) await sleep(20);
}

export const connectionFaults: readonly Scenario[] = [
  {
    name: "goaway",
    what: "a proxy before each server that says GOAWAY after every 1,000 calls",
    promised: {},
    async run(expect) {
      const proxies: GoawayProxy[] = [];
      const before = async (target: () => string): Promise<GoawayProxy> => {
        const proxy = await createGoawayProxy(target, 1_000);
        proxies.push(proxy);
        return proxy;
      };
      await using at = await stage(expect, { nodes: 1, servers: 2, before, load: { callsPerSecond: 600 } });
      const report = await course(at, () => {}, 15_000);
      const sentAway = proxies.reduce((sum, proxy) => sum + proxy.sentAway, 0);
      expect(sentAway >= 6, `only ${sentAway} connections were sent away`);
      return { ...report, note: `${sentAway} connections sent away` };
    },
  },
  {
    name: "recycled-address",
    what: "the address of one of three servers given to a server of another service, all of etcd down",
    promised: { otherLost: inFlight },
    async run(expect) {
      await using at = await stage(expect, { nodes: 1 });
      const victim = first(at.servers);
      const recycled = async (): Promise<void> => {
        await Promise.all(at.etcd.nodes.map((node) => node.kill()));
        await sleep(1_000);
        const listen = victim.boundTo;
        await victim.end("SIGKILL");
        await startFleetServer({ listen }, "stranger.ts");
        await sleep(10_000);
      };
      return await course(at, recycled, 2_000);
    },
  },
  {
    name: "idle-forgotten",
    what: "the network forgets every idle connection without a word, ten times, and only then is one used",
    promised: {},
    async run(expect) {
      const proxies: TcpProxy[] = [];
      const before = async (target: () => string): Promise<TcpProxy> => {
        const proxy = await createProxy(target);
        proxies.push(proxy);
        return proxy;
      };
      // A call every two seconds, of a method that may not be sent twice.
      const load = { callsPerSecond: 0.5, idempotentPercent: 0, confirmIdleMs: 500 };
      await using at = await stage(expect, { nodes: 1, servers: 2, before, load });
      const forgotten = async (): Promise<void> => {
        for (let i = 0; i < 10; i++) {
          await untilCalledAgain(at);
          // That call is over, and the next is not due.
          await sleep(1_000);
          for (const proxy of proxies) {
            proxy.drop();
            proxy.pass();
          }
        }
        await untilCalledAgain(at);
      };
      const report = await course(at, forgotten, 1_000);
      expect(report.p99Ms < 2_000, `calls took ${report.p99Ms} ms at p99`);
      return { ...report, note: `p99 ${report.p99Ms} ms` };
    },
  },
  {
    name: "drained-streams",
    what: "rolling restart of all servers under 20 open streams whose handlers heed the drain",
    promised: {},
    async run(expect) {
      await using at = await stage(expect, { nodes: 1, load: { streams: 20 } });
      const roll = async (): Promise<void> => {
        for (const server of at.servers) {
          const began = performance.now();
          await server.end("SIGTERM");
          const tookMs = Math.round(performance.now() - began);
          expect(tookMs < drainedWithinMs, `a server with open streams took ${tookMs} ms to close`);
          await server.start();
          await untilCalled(at, server.address);
        }
      };
      const report = await course(at, roll, 2_000);
      const { opened, endedWell } = report.streams;
      // Each stream was on one of the servers, and at least once.
      expect(endedWell >= 20, `${endedWell} streams of ${opened} were ended by their handlers`);
      expect(opened >= endedWell + 20, `${opened - endedWell} streams were open at the end, of 20`);
      return { ...report, note: `${endedWell} streams ended well, ${opened} opened` };
    },
  },
];
