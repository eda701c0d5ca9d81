// Faults of the ground they stand on: an event loop that stands still, a network that swallows packets, overload.
import { setTimeout as sleep } from "node:timers/promises";
import { createProxy } from "../support/proxy.ts";
import { startFleetServer, startLoad } from "./fleet.ts";
import type { LoadReport } from "./protocol.ts";
import { check, course, first, type Scenario, stage } from "./scenario.ts";

const ttlSeconds = 3;
const standstillMs = 2 * ttlSeconds * 1_000;

export const loopFaults: readonly Scenario[] = [
  {
    name: "server-standstill",
    what: "a server's event loop stands still for twice the lease",
    promised: { otherLost: 250 },
    async run() {
      await using at = await stage({ server: { ttlSeconds } });
      const victim = first(at.servers);
      return await course(
        at,
        async () => {
          victim.block(standstillMs);
          await sleep(standstillMs);
        },
        4_000,
      );
    },
  },
  {
    name: "client-standstill",
    what: "the client's event loop stands still for twice the lease",
    promised: { otherLost: 0 },
    async run() {
      await using at = await stage({ server: { ttlSeconds }, load: { timeoutMs: 10_000 } });
      return await course(
        at,
        async () => {
          at.load.block(standstillMs);
          await sleep(standstillMs);
        },
        3_000,
      );
    },
  },
  {
    name: "packets-dropped",
    what: "the network to one server swallows everything for 10 s",
    promised: { otherLost: 250 },
    async run() {
      await using at = await stage({ servers: 2, load: { timeoutMs: 8_000 } });
      let behind = "";
      const proxy = await createProxy(() => behind);
      behind = (await startFleetServer({ registry: at.registry, advertise: proxy.address })).boundTo;
      await sleep(1_000);
      const report = await course(
        at,
        async () => {
          proxy.drop();
          await sleep(10_000);
          proxy.pass();
        },
        4_000,
      );
      await proxy.close();
      return report;
    },
  },
  {
    name: "overload",
    what: "5x the capacity offered for 20 s",
    promised: { idempotentLost: Number.POSITIVE_INFINITY, otherLost: Number.POSITIVE_INFINITY, amplification: 1.3 },
    run: overload,
  },
  {
    name: "retry-storm",
    what: "every server fails for 5 s",
    promised: { idempotentLost: Number.POSITIVE_INFINITY, otherLost: Number.POSITIVE_INFINITY, amplification: 1.2 },
    async run() {
      await using at = await stage();
      const storm = async (): Promise<void> => {
        for (const server of at.servers) server.behave({ fail: true });
        await sleep(5_000);
        for (const server of at.servers) server.behave({ fail: false });
      };
      const report = await course(at, storm, 5_000);
      check((report.perSecond.at(-2) ?? 0) >= 200, `not recovered: ${report.perSecond}`);
      return report;
    },
  },
];

/** Two servers that can do 100 calls a second each; 200 a second is the capacity, 1,000 the offer. */
async function overload(): Promise<LoadReport> {
  const capacity = 200;
  const server = { delayMs: 100, capacity: 10, admission: true };
  await using at = await stage({ servers: 2, server, load: { callsPerSecond: 100, timeoutMs: 2_000 } });
  const flood = await startLoad({
    registry: at.registry,
    callsPerSecond: 5 * capacity - 100,
    idempotentPercent: 50,
    timeoutMs: 2_000,
  });
  await sleep(20_000);
  const flooded = await flood.stop();
  at.load.mark();
  await sleep(5_000);
  const steady = await at.load.stop();
  const goodput = flooded.perSecond.slice(3, 19).map((each, i) => each + (steady.perSecond[i + 3] ?? 0));
  const mean = goodput.reduce((a, b) => a + b, 0) / goodput.length;
  console.log(`    goodput ${Math.round(mean)}/s of ${capacity}/s, p99 of accepted calls ${flooded.p99Ms} ms`);
  check(mean >= 0.8 * capacity, `goodput ${mean} is under 80 % of ${capacity} calls a second`);
  check(flooded.p99Ms < 2_000, `p99 of accepted calls ${flooded.p99Ms} ms`);
  check((steady.perSecond.at(-2) ?? 0) >= 90, `not recovered after 2 s: ${steady.perSecond}`);
  return { ...flooded, recoverMs: steady.recoverMs };
}
