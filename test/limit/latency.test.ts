import { describe, expect, test } from "vitest";
import { type Latency, newLatency, slowdownOf } from "../../src/limit/latency.ts";
import { loopDelay } from "../../src/limit/loop-delay.ts";

function window(latency: Latency, meanMs: number, full = false, calls = 100): number {
  latency.totalMs = meanMs * calls;
  latency.calls = calls;
  return slowdownOf([latency], full);
}

describe("slowdown", () => {
  test("is 1 for what is usual and where there was no call", () => {
    const latency = newLatency();
    for (let i = 0; i < 20; i++) expect(window(latency, 20)).toBeCloseTo(1);
    expect(slowdownOf([latency], false)).toBe(1);
  });

  test("measures each method by itself", () => {
    const [fast, slow] = [newLatency(), newLatency()];
    for (let i = 0; i < 20; i++) {
      window(fast, 2);
      window(slow, 200);
    }
    Object.assign(fast, { totalMs: 2, calls: 1 });
    Object.assign(slow, { totalMs: 200 * 99, calls: 99 });
    expect(slowdownOf([fast, slow], false)).toBeCloseTo(1);
  });

  test("learns a new usual while the server has room, and hardly while it is full", () => {
    const usualAfter = (full: boolean) => {
      const latency = newLatency();
      for (let i = 0; i < 20; i++) window(latency, 20);
      for (let i = 0; i < 600; i++) window(latency, 60, full);
      return latency.usualMs;
    };
    expect(usualAfter(false)).toBeGreaterThan(50);
    expect(usualAfter(true)).toBeLessThan(30);
  });

  test("unlearns within seconds what was learnt under load", () => {
    const latency = newLatency();
    for (let i = 0; i < 20; i++) window(latency, 500, true);
    for (let i = 0; i < 50; i++) window(latency, 20);
    expect(latency.usualMs).toBeLessThan(60);
  });

  test("does not count some milliseconds more for slow", () => {
    const latency = newLatency();
    for (let i = 0; i < 20; i++) window(latency, 0.05);
    expect(window(latency, 2)).toBeLessThan(1.5);
  });
});

test("the event loop's delay is seen when it is held up", async () => {
  const delayMs = loopDelay();
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const untilMs = performance.now() + 60;
    while (performance.now() < untilMs);
  }
  await new Promise((resolve) => setTimeout(resolve, 1));
  expect(delayMs()).toBeGreaterThan(10);
});
