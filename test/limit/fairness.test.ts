import { describe, expect, test } from "vitest";
import { concurrencyLimit } from "../../src/limit/concurrency-limit.ts";
import { makeCall, reply } from "../balance/fakes.ts";
import { settled, virtualClock } from "../simulator/virtual-clock.ts";
import { playCallers } from "./server-model.ts";

describe("a caller of few calls", () => {
  test("keeps its rate beside one that floods the server", async () => {
    const server = () => ({ workers: 10, serviceMs: 14 });
    const [alone = 0] = await playCallers(server(), [{ calls: 4 }], 10);
    const [beside = 0, flood = 0] = await playCallers(server(), [{ calls: 4 }, { calls: 900 }], 10);
    expect(alone).toBeGreaterThan(200);
    // On a full server each call takes half as long again, that is the limit's tolerance.
    expect(beside).toBeGreaterThan(0.55 * alone);
    // What the others leave is the flood's: nothing is held back.
    expect(beside + flood).toBeGreaterThan(0.9 * (10_000 / 14));
  });

  test("keeps it beside many that do, up to its share", async () => {
    const floods = Array.from({ length: 4 }, () => ({ calls: 300 }));
    const [beside = 0, ...others] = await playCallers({ workers: 20, serviceMs: 20 }, [{ calls: 4 }, ...floods], 10);
    for (const other of others) expect(beside).toBeGreaterThan(0.6 * Math.min(other, 200));
  });

  test("is let into a line that another has filled", async () => {
    const [beside = 0] = await playCallers({ workers: 4, serviceMs: 20 }, [{ calls: 2 }, { calls: 900 }], 10, {
      maxWaiting: 10,
    });
    expect(beside).toBeGreaterThan(50);
  });

  test("has a place kept where nobody may wait", async () => {
    const [beside = 0, flood = 0] = await playCallers(
      { workers: 10, serviceMs: 14 },
      [{ calls: 4 }, { calls: 900 }],
      10,
      { maxWaiting: 0 },
    );
    expect(beside).toBeGreaterThan(100);
    expect(beside + flood).toBeGreaterThan(0.9 * (10_000 / 14));
  });
});

test("what a caller has under way is counted when its calls had to wait", async () => {
  const clock = virtualClock();
  const limit = concurrencyLimit({
    ...{ clock, loopDelay: () => 0, initialLimit: 2, minLimit: 2, maxLimit: 2, maxWaitMs: 60_000 },
    callerOf: ({ caller }) => caller?.address,
  });
  const started: string[] = [];
  const ends: (() => void)[] = [];
  const handle = limit((call) => {
    started.push(call.caller?.address as string);
    return new Promise((resolve) => ends.push(() => resolve(reply)));
  });
  const call = (address: string) => handle(makeCall({ caller: { address } }));
  call("fast");
  call("fast");
  // All that "slow" has under way has waited.
  call("slow");
  call("fast");
  ends[0]?.();
  await settled();
  await settled();
  expect(started).toEqual(["fast", "fast", "slow"]);
  ends[1]?.();
  await settled();
  await settled();
  expect(started).toEqual(["fast", "fast", "slow", "fast"]);
  call("slow");
  call("new");
  ends[3]?.();
  await settled();
  await settled();
  expect(started.at(-1)).toBe("new");
});

test("callers that ask for as much get as much", async () => {
  const rates = await playCallers({ workers: 10, serviceMs: 20 }, Array(5).fill({ calls: 100 }), 10);
  for (const rate of rates) {
    expect(rate).toBeGreaterThan(80);
    expect(rate).toBeLessThan(120);
  }
});
