import { expect, test } from "vitest";
import { decodedInTurn } from "../../../src/transport/http2/compression.ts";
import { MemoryBudget } from "../../../src/transport/memory-budget.ts";

const LONG_MS = 40;

function busy(): [begin: number, end: number] {
  const begin = performance.now();
  while (performance.now() - begin < LONG_MS);
  return [begin, performance.now()];
}

test("after a message that took long to decode others have the loop for as long, before the next large one", async () => {
  const memory = new MemoryBudget({ bytes: 1e9 });
  const decode = (): Promise<unknown> =>
    decodedInTurn({
      encoding: "identity",
      bytes: Buffer.alloc(10),
      maxBytes: -1,
      memory: memory.open({ room() {}, evict() {} }, 0),
      decode: busy,
      mustBeWanted() {},
    });
  const [first, second] = (await Promise.all([decode(), decode()])) as [[number, number], [number, number]];
  // A timer of Node may ring a millisecond early.
  expect(second[0] - first[1]).toBeGreaterThanOrEqual(LONG_MS - 2);
});
