import { expect, test } from "vitest";
import { ClosedStreams } from "../../../src/transport/http2/closed-streams.ts";

test("no stream is forgotten where there is more room for them, though one between them is still open", () => {
  const closed = new ClosedStreams();
  const reset = Array.from({ length: 255 }, (_, i) => 2 * i + 1);
  for (const id of reset) closed.addReset(id, 1000, 1);
  closed.addReset(515, 1000, 2);
  for (const id of [...reset, 515]) expect(closed.weReset(id), `${id}`).toBe(true);
  expect(closed.has(511)).toBe(false);
});

test("what many took is let go of once nothing can be under way for them, and not before", () => {
  const closed = new ClosedStreams();
  const few = closed.bytes;
  for (let id = 1; id < 10_000; id += 2) closed.addReset(id, 1000, 1);
  expect(closed.bytes).toBeGreaterThan(10 * few);
  closed.shrink(4000);
  expect(closed.weReset(1)).toBe(true);
  closed.shrink(6000);
  expect(closed.bytes).toBe(few);
  closed.addReset(20_001, 1000, 6000);
  expect(closed.weReset(20_001)).toBe(true);
});
