import { expect, test } from "vitest";
import { inTurns } from "../../src/registry/etcd/turns.ts";

const busy = (forMs: number) => {
  const end = performance.now() + forMs;
  while (performance.now() < end);
};

test("long work lets others have their turn, and keeps its order", async () => {
  const seen: number[] = [];
  let others = 0;
  const other = () => {
    others++;
    timer = setImmediate(other);
  };
  let timer = setImmediate(other);
  await inTurns([1, 2, 3, 4, 5, 6], new AbortController().signal, (item) => {
    busy(6);
    seen.push(item);
  });
  clearImmediate(timer);
  expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
  expect(others).toBeGreaterThanOrEqual(4);
});

test("long work stops when nobody waits for it any more", async () => {
  const stop = new AbortController();
  const seen: number[] = [];
  setImmediate(() => stop.abort());
  await inTurns([1, 2, 3, 4, 5, 6], stop.signal, (item) => {
    busy(6);
    seen.push(item);
  });
  expect(seen).toEqual([1]);
});
