import { expect, test } from "vitest";
import { LONGEST_TIMER_MS, systemClock } from "../../src/core/clock.ts";

test("what is asked for later than a Node timer reaches does not ring at once", async () => {
  let rang = 0;
  const stops = [Number.POSITIVE_INFINITY, LONGEST_TIMER_MS, 2 ** 31, 2 ** 40].map((delayMs) =>
    systemClock.setTimeout(() => rang++, delayMs),
  );
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(rang).toBe(0);
  for (const stop of stops) stop();
});

test("what was to come before now rings all the same, and Node warns of nothing", async () => {
  const warnings: Error[] = [];
  const warn = (warning: Error): void => void warnings.push(warning);
  process.on("warning", warn);
  await new Promise<void>((resolve) => systemClock.setTimeout(resolve, -1, true));
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", warn);
  expect(warnings).toEqual([]);
});
