// Faults of the ground they stand on: an event loop that stands still, a network that swallows packets, overload.
import { setTimeout as sleep } from "node:timers/promises";
import { createProxy } from "../support/proxy.ts";
import { startFleetServer, startLoad } from "./fleet.ts";
import type { LoadReport } from "./protocol.ts";
import {
  course,
  type Expect,
  first,
  type Scenario,
  sentUntilFoundOut,
  stage,
  untilCalled,
  untilRegistered,
} from "./scenario.ts";

const ttlSeconds = 3;
const standstillMs = 2 * ttlSeconds * 1_000;

export const loopFaults: readonly Scenario[] = [
  {
    name: "server-standstill",
    what: "a server's event loop stands still for twice the lease",
    promised: { otherLost: sentUntilFoundOut(3) },
    async run(expect) {
      await using at = await stage(expect, { server: { ttlSeconds } });
      const victim = first(at.servers);
      const report = await course(
        at,
        async () => {
          victim.block(standstillMs);
          await sleep(standstillMs);
          await untilRegistered(at, [victim.address]);
          await untilCalled(at, victim.address);
        },
        2_000,
      );
      expect(report.recoverMs < standstillMs, `calls failed after it woke: ${report.recoverMs} ms after the fault`);
      return report;
    },
  },
  {
    name: "client-standstill",
    what: "the client's event loop stands still for twice the lease",
    promised: { otherLost: 0 },
    async run(expect) {
      await using at = await stage(expect, { server: { ttlSeconds }, load: { timeoutMs: 10_000 } });
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
    promised: { otherLost: sentUntilFoundOut(3) },
    async run(expect) {
      await using at = await stage(expect, { servers: 2, load: { timeoutMs: 8_000 } });
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
          await untilCalled(at, proxy.address);
        },
        2_000,
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
    short: true,
    async run(expect) {
      await using at = await stage(expect);
      const storm = async (): Promise<void> => {
        for (const server of at.servers) server.behave({ fail: true });
        await sleep(5_000);
        for (const server of at.servers) server.behave({ fail: false });
      };
      const report = await course(at, storm, 3_500);
      const { otherAmplification } = report;
      expect(otherAmplification <= 1, `${otherAmplification} attempts a call that may not be sent twice`);
      expect((report.perSecond.at(-2) ?? 0) >= 125, `not recovered: ${report.perSecond}`);
      // Each circuit lets a call through every half second, and a busy machine may be late.
      expect(report.recoverMs < 6_500, `calls failed until ${report.recoverMs - 5_000} ms after the servers were back`);
      return report;
    },
  },
];

/** Two servers that can do 100 calls a second each; 200 a second is the capacity, 1,000 the offer. */
async function overload(expect: Expect): Promise<LoadReport> {
  const capacity = 200;
  const server = { delayMs: 100, capacity: 10, admission: true };
  const timeoutMs = 2_000;
  /** The flood meets a limit twice as high as these servers need, and a call takes a fifth of a second then. */
  const findingOutMs = 1_000;
  const steady = { callsPerSecond: capacity / 2, timeoutMs };
  await using at = await stage(expect, { servers: 2, server, load: steady });
  const callsPerSecond = 5 * capacity - steady.callsPerSecond;
  const flood = await startLoad({ registry: at.registry, callsPerSecond, idempotentPercent: 50, timeoutMs });
  await sleep(findingOutMs);
  flood.mark();
  await sleep(20_000 - findingOutMs);
  const flooded = await flood.stop();
  at.load.mark();
  await sleep(5_000);
  const before = await at.load.stop();
  // Both loads, second by second.
  const from = findingOutMs / 1_000;
  const goodput = flooded.perSecond.slice(from, 19).map((each, i) => each + (before.perSecond[i + from] ?? 0));
  const mean = Math.round(goodput.reduce((a, b) => a + b, 0) / goodput.length);
  expect(mean >= 0.8 * capacity, `goodput ${mean} is under 80 % of ${capacity} calls a second`);
  expect(flooded.p99Ms < 1_000, `p99 of accepted calls ${flooded.p99Ms} ms`);
  expect(before.recoverMs < 2_000, `calls failed until ${before.recoverMs} ms after the flood`);
  return {
    ...flooded,
    calls: flooded.calls + before.calls,
    idempotentLost: flooded.idempotentLost + before.idempotentLost,
    otherLost: flooded.otherLost + before.otherLost,
    recoverMs: before.recoverMs,
    note: `goodput ${mean} of ${capacity} calls a second, p99 of accepted calls ${flooded.p99Ms} ms`,
  };
}
