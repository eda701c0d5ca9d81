import { afterEach, expect, test, vi } from "vitest";
import { sleep } from "../../src/registry/etcd/backoff.ts";
import { timer } from "../../src/registry/etcd/timer.ts";

afterEach(() => vi.useRealTimers());

test("a wait longer than a timer of Node's rings late, and one without end never", () => {
  vi.useFakeTimers();
  const rung: string[] = [];
  timer(10, () => rung.push("soon"));
  timer(2 ** 40, () => rung.push("late"));
  expect(timer(Number.POSITIVE_INFINITY, () => rung.push("never"))).toBeUndefined();
  vi.advanceTimersByTime(2 ** 31 - 2);
  expect(rung).toEqual(["soon"]);
  vi.advanceTimersByTime(2 ** 33);
  expect(rung).toEqual(["soon", "late"]);
});

test("a pause of a lease that is granted for months does not end at once", async () => {
  const over = new AbortController();
  let awake = false;
  const slept = sleep(7_000_000_000, over.signal).then(() => {
    awake = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(awake).toBe(false);
  over.abort();
  await slept;
});
