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
