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
