import { expect, test } from "vitest";
import { Code } from "../../src/core/code.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import { HeldRequest } from "../../src/transport/held-request.ts";
import { MemoryBudget } from "../../src/transport/memory-budget.ts";
import { RequestRoom } from "../../src/transport/request-room.ts";
import { failure } from "../contract/transport/world.ts";

const MIB = 1024 * 1024;

function roomOf(bytes: number, patienceMs = 60_000): RequestRoom {
  return new RequestRoom({ bytes, patienceMs, waits: () => {} });
}

/** True once a promise that is at hand has resolved. */
async function isIn(entering: Promise<void>): Promise<boolean> {
  const later = new Promise((resolve) => setImmediate(resolve, "later"));
  return (await Promise.race([entering.then(() => "in"), later])) === "in";
}

test("no place has more than is left for others, however many connections it has", async () => {
  const room = roomOf(32 * MIB);
  const enterAll = async (from: string): Promise<number> => {
    for (let count = 0; ; count++) if (!(await isIn(new HeldRequest(room.open(from)).enter(MIB)))) return count;
  };
  expect(await enterAll("10.0.0.1")).toBe(16);
  expect(await enterAll("10.0.0.2")).toBe(8);
  expect(await enterAll("10.0.0.3")).toBe(4);
  expect(room.taken).toBe(28 * MIB);
});

test("each connection may hold a little, whatever others do", async () => {
  const room = roomOf(MIB);
  new HeldRequest(room.open("10.0.0.1")).set(2 * MIB);
  const connection = room.open("10.0.0.2");
  expect(await isIn(new HeldRequest(connection).enter(64 * 1024))).toBe(true);
  expect(await isIn(new HeldRequest(connection).enter(1024))).toBe(false);
});

test("one request of any size comes from a place that holds next to nothing, while half of all is free", async () => {
  const room = roomOf(8 * MIB);
  new HeldRequest(room.open("10.0.0.1")).set(4 * MIB);
  const connection = room.open("10.0.0.2");
  const large = new HeldRequest(connection);
  expect(await isIn(large.enter(64 * MIB))).toBe(true);
  expect(large.isCrowded).toBe(false);
  expect(await isIn(new HeldRequest(room.open("10.0.0.3")).enter(MIB))).toBe(false);
  expect(await isIn(new HeldRequest(connection).enter(MIB))).toBe(false);
});

test("those that wait have their turn as others let go: one of each place, and of each of its connections", async () => {
  const room = roomOf(8 * MIB);
  const first = new HeldRequest(room.open("10.0.0.9"));
  first.set(8 * MIB);
  const order: string[] = [];
  const held = new Map<string, HeldRequest>();
  const enter = (name: string, connection: ReturnType<RequestRoom["open"]>): Promise<void> => {
    const request = new HeldRequest(connection);
    held.set(name, request);
    return request.enter(MIB).then(() => void order.push(name));
  };
  const [one, other, elsewhere] = [room.open("10.0.0.1"), room.open("10.0.0.1"), room.open("10.0.0.2")];
  const all = [enter("a1", one), enter("a2", one), enter("b1", other), enter("c1", elsewhere), enter("c2", elsewhere)];
  first.set(0);
  await Promise.all(all);
  expect(order).toEqual(["a1", "c1", "b1", "c2", "a2"]);
  expect(room.isShort).toBe(false);
  for (const request of held.values()) request.set(0);
  expect(room.taken).toBe(0);
});

test("one that comes later does not go before those of its place that wait", async () => {
  const room = roomOf(8 * MIB);
  const [first, large, small] = Array.from({ length: 3 }, () => new HeldRequest(room.open("10.0.0.1"))) as [
    HeldRequest,
    HeldRequest,
    HeldRequest,
  ];
  first.set(2 * MIB);
  const waiting = large.enter(4 * MIB);
  expect(await isIn(small.enter(MIB))).toBe(false);
  first.set(0);
  await waiting;
});

test("one that was let in waits anew where others have turned out to take more than there is", async () => {
  const room = roomOf(8 * MIB);
  const [heavy, next] = [new HeldRequest(room.open("10.0.0.1")), new HeldRequest(room.open("10.0.0.2"))];
  await heavy.enter(MIB);
  await next.enter(MIB);
  expect(next.isCrowded).toBe(false);
  heavy.set(80 * MIB);
  expect(next.isCrowded).toBe(true);
  expect(heavy.isCrowded).toBe(false);
  next.set(0);
  const again = next.enter(MIB);
  expect(await isIn(again)).toBe(false);
  heavy.set(0);
  await again;
});

test("one that has waited six times the patience is refused, and says for what", async () => {
  const memory = new MemoryBudget({ bytes: 8 * MIB, patienceMs: 20 });
  const connection = memory.requests.open("10.0.0.1");
  new HeldRequest(connection).set(4 * MIB);
  const before = performance.now();
  const error = await failure(new HeldRequest(connection).enter(MIB));
  expect(performance.now() - before).toBeGreaterThanOrEqual(119);
  expect(error.code).toBe(Code.RESOURCE_EXHAUSTED);
  expect(error.message).toMatch(/^a request of 1048576 bytes has waited \d+(\.\d)? s for the memory that calls under/);
  expect(memory.requests.isShort).toBe(false);
});

test("one that nobody waits for any more leaves its place to the next", async () => {
  const room = roomOf(2 * MIB);
  const connection = room.open("10.0.0.1");
  const [first, gone, next] = [
    new HeldRequest(connection),
    new HeldRequest(connection),
    new HeldRequest(connection),
  ] as const;
  first.set(MIB);
  const leaving = gone.enter(MIB);
  const waiting = next.enter(MIB);
  gone.leave(new RpcError(Code.CANCELLED, "it is over"));
  await expect(leaving).rejects.toThrow("it is over");
  first.set(0);
  await waiting;
  expect(room.taken).toBe(MIB);
});

test("what handlers hold counts on when their connection is gone, until they are done", () => {
  const room = roomOf(8 * MIB);
  const connection = room.open("10.0.0.1");
  const request = new HeldRequest(connection);
  request.set(4 * MIB);
  connection.close();
  const again = room.open("10.0.0.1");
  expect(again.fits(MIB)).toBe(false);
  request.set(0);
  expect(again.fits(MIB)).toBe(true);
});
