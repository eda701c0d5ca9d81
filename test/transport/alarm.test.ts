import { expect, test } from "vitest";
import { NEVER, now } from "../../src/core/deadline.ts";
import { atDeadline } from "../../src/transport/alarm.ts";

test("it rings once the deadline has passed, and not before", async () => {
  const deadline = now() + 20.5;
  await new Promise<void>((resolve) => atDeadline(deadline, resolve));
  expect(now()).toBeGreaterThanOrEqual(deadline);
});

test("it rings soon, though not at once, where the deadline has passed", async () => {
  let rang = false;
  const ringing = new Promise<void>((resolve) => {
    atDeadline(now() - 1, () => {
      rang = true;
      resolve();
    });
  });
  expect(rang).toBe(false);
  await ringing;
});

test("it does not ring after it was called off, for no deadline, or for one that is weeks away", async () => {
  let rang = 0;
  const ring = (): void => {
    rang += 1;
  };
  atDeadline(now() + 1, ring)();
  atDeadline(NEVER, ring)();
  const stop = atDeadline(now() + 2 ** 32, ring);
  await new Promise((resolve) => setTimeout(resolve, 20));
  stop();
  expect(rang).toBe(0);
});
