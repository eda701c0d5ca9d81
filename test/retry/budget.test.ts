import { expect, test } from "vitest";
import { retryBudget } from "../../src/retry/budget.ts";
import { virtualClock } from "../simulator/virtual-clock.ts";

test("a channel without calls may retry a little", () => {
  const clock = virtualClock();
  const budget = retryBudget({ clock, floorPerSecond: 5, ttlMs: 2_000 });
  let granted = 0;
  while (budget.withdraw()) granted++;
  expect(granted).toBe(10);
});

test("steady calls save up their ratio of the time that savings last", async () => {
  const clock = virtualClock();
  const budget = retryBudget({ clock, ratio: 0.2, floorPerSecond: 0, ttlMs: 2_000 });
  for (let ms = 0; ms < 20_000; ms += 10) {
    await clock.advance(10);
    budget.deposit();
  }
  expect(budget.balance).toBeCloseTo(0.2 * 100 * 2, 1);
});

test("it makes no difference how often it is asked", async () => {
  const clock = virtualClock();
  const often = retryBudget({ clock });
  const seldom = retryBudget({ clock });
  for (let ms = 0; ms < 3_000; ms += 10) {
    await clock.advance(10);
    often.deposit();
    seldom.deposit();
    expect(often.balance).toBeGreaterThan(0);
  }
  expect(often.balance).toBeCloseTo(seldom.balance, 6);
});

test("savings are lost with time", async () => {
  const clock = virtualClock();
  const budget = retryBudget({ clock, floorPerSecond: 0, ttlMs: 2_000 });
  for (let i = 0; i < 1_000; i++) budget.deposit();
  expect(budget.balance).toBeCloseTo(200);
  await clock.advance(2_000);
  expect(budget.balance).toBeCloseTo(200 / Math.E);
});

test("while nothing succeeds only the floor is left", async () => {
  const clock = virtualClock();
  const budget = retryBudget({ clock, floorPerSecond: 5 });
  let granted = 0;
  for (let ms = 0; ms < 60_000; ms += 10) {
    await clock.advance(10);
    while (budget.withdraw()) granted++;
  }
  expect(granted).toBeLessThanOrEqual(10 + 60 * 5);
});
