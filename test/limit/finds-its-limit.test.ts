import { describe, expect, test } from "vitest";
import { play, playSync, type Second } from "./server-model.ts";

const during = (seconds: number, perSecond: number): number[] => Array.from({ length: seconds }, () => perSecond);
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
const answered = (seconds: readonly Second[]): number => sum(seconds.map((second) => second.answered)) / seconds.length;
const refused = (seconds: readonly Second[]): number => sum(seconds.map((second) => second.refused));
const worst = (seconds: readonly Second[]): number => Math.max(...seconds.map(({ p99Ms }) => p99Ms));

describe("under five times what it can do, a server", () => {
  test("of 10 calls a second finds its limit within seconds", async () => {
    const seconds = await play({ workers: 1, serviceMs: 100 }, { perSecond: [...during(3, 5), ...during(30, 50)] });
    const found = seconds.slice(12);
    expect(answered(found)).toBeGreaterThan(8);
    expect(worst(found)).toBeLessThan(1_000);
    expect(found.at(-1)?.limit).toBeLessThan(8);
  });

  test("of 100 calls a second finds it within the first second, and holds it", async () => {
    const load = [...during(3, 50), ...during(30, 500), ...during(3, 50)];
    const seconds = await play({ workers: 10, serviceMs: 100 }, { perSecond: load });
    expect(worst(seconds.slice(3, 33))).toBeLessThan(500);
    expect(answered(seconds.slice(4, 33))).toBeGreaterThan(90);
    for (const { limit } of seconds.slice(4, 33)) expect(limit).toBeLessThan(25);
    expect(refused(seconds.slice(34))).toBe(0);
    expect(worst(seconds.slice(34))).toBeLessThan(200);
  });

  test("of 200 calls a second finds it though it starts in the midst of it", async () => {
    const seconds = await play({ workers: 20, serviceMs: 100 }, { perSecond: during(30, 1_000) });
    expect(answered(seconds.slice(2))).toBeGreaterThan(180);
    expect(worst(seconds.slice(2))).toBeLessThan(400);
    for (const { limit } of seconds.slice(2)) expect(limit).toBeLessThan(45);
  });

  test("of 200 calls a second, one after the other, lets in as few", async () => {
    const seconds = await play({ workers: 1, serviceMs: 5 }, { perSecond: during(20, 1_000) });
    expect(answered(seconds.slice(1))).toBeGreaterThan(190);
    expect(worst(seconds.slice(3))).toBeLessThan(100);
  });

  test("of 20,000 calls a second grows to it, holds it and recovers", async () => {
    const load = [15_000, 15_000, 60_000, 60_000, 60_000, 15_000, 15_000];
    const seconds = await play({ workers: 100, serviceMs: 5 }, { perSecond: load });
    expect(refused(seconds.slice(0, 2))).toBe(0);
    expect(answered(seconds.slice(2, 5))).toBeGreaterThan(18_000);
    expect(worst(seconds.slice(3, 5))).toBeLessThan(50);
    expect(seconds[6]?.refused).toBe(0);
  });

  test("whose handlers never wait keeps its turns short and does all that it can", async () => {
    // 200 and 10,000 calls a second.
    const slow = await playSync(5, [...during(3, 100), ...during(10, 1_000), ...during(3, 100)]);
    expect(answered(slow.slice(4, 13))).toBeGreaterThan(185);
    expect(worst(slow.slice(4, 13))).toBeLessThan(300);
    expect(refused(slow.slice(14))).toBe(0);
    const fast = await playSync(0.1, [...during(2, 2_000), ...during(6, 30_000), 2_000, 2_000]);
    expect(answered(fast.slice(3, 8))).toBeGreaterThan(9_000);
    expect(worst(fast.slice(3, 8))).toBeLessThan(250);
    expect(fast[9]?.refused).toBe(0);
  });
});

describe("the limit", () => {
  test("follows a capacity that doubles, and one that halves", async () => {
    const seconds = await play(
      { workers: 10, serviceMs: 50 },
      {
        perSecond: during(30, 1_000),
        events: {
          10: (server) => {
            server.workers = 20;
          },
          20: (server) => {
            server.workers = 10;
          },
        },
      },
    );
    expect(answered(seconds.slice(2, 10))).toBeGreaterThan(175);
    expect(answered(seconds.slice(12, 20))).toBeGreaterThan(350);
    expect(answered(seconds.slice(22))).toBeGreaterThan(175);
    expect(worst(seconds.slice(2))).toBeLessThan(400);
  });

  test("does not stay low where calls have become slow, and not for their number", async () => {
    // What it waits for takes three times as long as before, however few calls there are.
    const seconds = await play(
      { workers: 2_000, serviceMs: 50 },
      {
        perSecond: during(20, 500),
        events: {
          10: (server) => {
            server.serviceMs = 150;
          },
        },
      },
    );
    expect(refused(seconds.slice(0, 10))).toBe(0);
    expect(refused(seconds.slice(14))).toBe(0);
  });

  test("grows to calls that take long", async () => {
    const seconds = await play({ workers: 1_000, serviceMs: 500 }, { perSecond: during(10, 200) });
    expect(refused(seconds.slice(5))).toBe(0);
  });

  test("comes back from calls that hung", async () => {
    const seconds = await play(
      { workers: 100, serviceMs: 50 },
      {
        perSecond: during(20, 500),
        events: {
          5: (server) => {
            server.workers = 0;
          },
          9: (server) => {
            server.workers = 100;
          },
        },
      },
    );
    expect(refused(seconds.slice(11))).toBe(0);
  });

  test("refuses nothing under nine tenths of the capacity, nor in bursts", async () => {
    const even = await play({ workers: 20, serviceMs: 20 }, { perSecond: during(20, 900) });
    expect(refused(even)).toBe(0);
    expect(worst(even)).toBeLessThan(100);
    const bursts = await play({ workers: 20, serviceMs: 20 }, { perSecond: during(20, 600), burstsPerSecond: 8 });
    expect(refused(bursts)).toBe(0);
    expect(worst(bursts)).toBeLessThan(150);
  });

  test("stands still while it is not reached", async () => {
    const seconds = await play({ workers: 20, serviceMs: 20 }, { perSecond: during(3, 300) });
    expect(seconds.map(({ limit }) => limit)).toEqual([20, 20, 20]);
  });
});
