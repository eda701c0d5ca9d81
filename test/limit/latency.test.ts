import { describe, expect, test } from "vitest";
import type { Lesson } from "../../src/limit/adaptive-limit.ts";
import { changeOf, endWindow, type Latency, newLatency, slowdownOf } from "../../src/limit/latency.ts";
import { loopDelay } from "../../src/limit/loop-delay.ts";

function window(latency: Latency, meanMs: number, lesson: Lesson = "room", calls = 100): number {
  latency.totalMs = meanMs * calls;
  latency.calls = calls;
  const slowdown = slowdownOf([latency]);
  endWindow([latency], lesson);
  return slowdown;
}

describe("slowdown", () => {
  test("is 1 for what is usual and where there was no call", () => {
    const latency = newLatency();
    for (let i = 0; i < 20; i++) expect(window(latency, 20)).toBeCloseTo(1);
    expect(slowdownOf([latency])).toBe(1);
  });

  test("measures each method by itself", () => {
    const [fast, slow] = [newLatency(), newLatency()];
    for (let i = 0; i < 20; i++) {
      window(fast, 2);
      window(slow, 200);
    }
    Object.assign(fast, { totalMs: 2, calls: 1 });
    Object.assign(slow, { totalMs: 200 * 99, calls: 99 });
    expect(slowdownOf([fast, slow])).toBeCloseTo(1);
  });

  test("is told from the window before as well as from what is usual", () => {
    const latency = newLatency();
    for (let i = 0; i < 20; i++) window(latency, 95);
    window(latency, 195, "loaded");
    Object.assign(latency, { totalMs: 395 * 10, calls: 10 });
    expect(changeOf([latency])).toBeCloseTo(2);
    expect(slowdownOf([latency])).toBeCloseTo(4);
  });

  test("learns a new usual while the server has room, no higher one while it is full, and at once what is bare", () => {
    const usualAfter = (lesson: Lesson, meanMs: number) => {
      const latency = newLatency();
      for (let i = 0; i < 20; i++) window(latency, 20);
      for (let i = 0; i < 600; i++) window(latency, meanMs, lesson);
      return latency.usualMs;
    };
    expect(usualAfter("room", 60)).toBeGreaterThan(50);
    expect(usualAfter("loaded", 60)).toBeCloseTo(20);
    expect(usualAfter("loaded", 10)).toBeCloseTo(10);
    expect(usualAfter("bare", 60)).toBe(60);
  });

  test("unlearns within seconds what was learnt under load", () => {
    const latency = newLatency();
    for (let i = 0; i < 20; i++) window(latency, 500);
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
