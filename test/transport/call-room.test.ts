import { expect, test } from "vitest";
import { CALL_BYTES, CallRoom, type ConnectionRoom } from "../../src/transport/call-room.ts";

const KIB = 1024;

function takeAll(connection: ConnectionRoom): number {
  let calls = 0;
  while (connection.take(CALL_BYTES)) calls++;
  return calls;
}

test("nobody has more than is left for the others, however many connections it has", () => {
  const room = new CallRoom(600 * CALL_BYTES);
  const [first, second] = [room.open("10.0.0.1"), room.open("10.0.0.1")];
  expect(takeAll(first)).toBe(300);
  expect(takeAll(second)).toBe(10);
  expect(takeAll(room.open("10.0.0.2"))).toBe(145);
  expect(takeAll(room.open("10.0.0.3"))).toBeGreaterThan(70);
});

test("each connection may have a few, whatever others do, and what is given back is for all", () => {
  const room = new CallRoom(64 * KIB);
  const many = Array.from({ length: 20 }, (_, i) => room.open(`10.0.0.${i}`));
  for (const each of many) expect(takeAll(each)).toBe(10);
  for (const each of many) for (let i = 0; i < 10; i++) each.giveBack(CALL_BYTES);
  expect(room.taken).toBe(0);
});

test("what is known of a network is forgotten with its last connection, and not before", () => {
  const room = new CallRoom(100 * CALL_BYTES);
  const [first, second] = [room.open("10.0.0.1"), room.open("10.0.0.1")];
  expect(takeAll(first)).toBe(50);
  second.close();
  expect(takeAll(room.open("10.0.0.1"))).toBe(10);
});
