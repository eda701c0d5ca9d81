import { expect, test } from "vitest";
import { createPace } from "../../src/core/pace.ts";
import { virtualClock } from "../simulator/virtual-clock.ts";

function paced(items: number) {
  const clock = virtualClock();
  const doneAtMs: number[] = [];
  const pace = createPace(() => {
    doneAtMs.push(clock.now());
    return items;
  }, clock);
  return { clock, doneAtMs, pace };
}

test("work on a short list is done at each change, at once", () => {
  const { doneAtMs, pace } = paced(49);
  for (let i = 0; i < 3; i++) pace.ask();
  expect(doneAtMs).toEqual([0, 0, 0]);
});

test("work on a long list is done at once after a rest, and then once for all changes of the next", async () => {
  const { clock, doneAtMs, pace } = paced(5_000);
  for (let i = 0; i < 300; i++) {
    pace.ask();
    await clock.advance(1);
  }
  await clock.advance(1_000);
  pace.ask();
  expect(doneAtMs).toEqual([0, 100, 200, 300, 1_300]);
});

test("no change waits for longer than 200 ms, however long the list", async () => {
  const { clock, doneAtMs, pace } = paced(1_000_000);
  pace.ask();
  pace.ask();
  await clock.advance(1_000);
  expect(doneAtMs).toEqual([0, 200]);
});

test("what is stopped does nothing more", async () => {
  const { clock, doneAtMs, pace } = paced(5_000);
  pace.ask();
  pace.ask();
  pace.stop();
  await clock.advance(1_000);
  pace.ask();
  expect(doneAtMs).toEqual([0]);
});
