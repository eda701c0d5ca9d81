import { beforeEach, expect, test } from "vitest";
import { createLeases, type Leases } from "../../src/devetcd/leases.ts";
import { createStore, type Store } from "../../src/devetcd/store.ts";
import { type VirtualClock, virtualClock } from "../simulator/virtual-clock.ts";

let clock: VirtualClock;
let store: Store;
let leases: Leases;

beforeEach(() => {
  clock = virtualClock();
  store = createStore();
  leases = createLeases(store, { clock });
});

const put = (key: string, lease: bigint) => store.write((write) => write.put(key, new Uint8Array(), lease));
const keys = () => store.read({ from: "", to: undefined }).map(({ key }) => Buffer.from(key).toString());

test("when a lease ends its keys are deleted in one revision", async () => {
  leases.grant(7n, 10n);
  put("a", 7n);
  put("b", 7n);
  put("c", 0n);
  const { revision } = store;
  await clock.advance(9_999);
  expect(keys()).toEqual(["a", "b", "c"]);
  await clock.advance(1);
  expect(keys()).toEqual(["c"]);
  expect(store.revision).toBe(revision + 1n);
  expect(leases.has(7n)).toBe(false);
});

test("a renewed lease lives on", async () => {
  leases.grant(7n, 10n);
  put("a", 7n);
  for (let i = 0; i < 5; i++) {
    await clock.advance(9_000);
    expect(leases.renew(7n)).toBe(10n);
  }
  await clock.advance(9_999);
  expect(keys()).toEqual(["a"]);
  await clock.advance(1);
  expect(keys()).toEqual([]);
  expect(leases.renew(7n)).toBe(0n);
});

test("a short lease ends before a long one that was granted first", async () => {
  leases.grant(1n, 100n);
  leases.grant(2n, 5n);
  expect(leases.list()).toEqual([2n, 1n]);
  await clock.advance(5_000);
  expect(leases.list()).toEqual([1n]);
  await clock.advance(95_000);
  expect(leases.list()).toEqual([]);
});

test("a lease may be longer than any timer", async () => {
  leases.grant(1n, 9_000_000_000n);
  leases.grant(2n, 3_000_000n);
  await clock.advance(2_999_999_000);
  expect(leases.list()).toEqual([2n, 1n]);
  await clock.advance(1_000);
  expect(leases.list()).toEqual([1n]);
});

test("a key follows the lease of its last put", async () => {
  leases.grant(1n, 5n);
  leases.grant(2n, 50n);
  put("moved", 1n);
  put("moved", 2n);
  put("freed", 1n);
  put("freed", 0n);
  put("stays", 1n);
  expect(leases.get(1n)?.keys).toEqual(["stays"]);
  await clock.advance(5_000);
  expect(keys()).toEqual(["freed", "moved"]);
  leases.revoke(2n);
  expect(keys()).toEqual(["freed"]);
});

test("the time left is told in whole seconds", async () => {
  leases.grant(1n, 10n);
  await clock.advance(2_500);
  expect(leases.get(1n)).toMatchObject({ ttlSeconds: 10n, remainingSeconds: 7n });
});

test("short and negative times are raised to the least", () => {
  expect(leases.grant(1n, 1n).ttlSeconds).toBe(2n);
  expect(leases.grant(2n, -5n).ttlSeconds).toBe(2n);
  expect(() => leases.grant(3n, 9_000_000_001n)).toThrow("too large lease TTL");
});

test("a lease without an id gets one that is free and positive", () => {
  const ids = Array.from({ length: 100 }, () => leases.grant(0n, 10n).id);
  expect(new Set(ids).size).toBe(100);
  expect(ids.every((id) => id > 0n)).toBe(true);
  expect(() => leases.grant(ids[0] ?? 0n, 10n)).toThrow("lease already exists");
});

test("there are only so many leases", () => {
  const few = createLeases(store, { clock, maxLeases: 2 });
  few.grant(1n, 10n);
  few.grant(2n, 10n);
  expect(() => few.grant(3n, 10n)).toThrow("too many requests");
  few.revoke(1n);
  few.grant(3n, 10n);
});

test("a lease that is over is not renewed even where its timer is late", () => {
  let now = 0;
  const late = createLeases(store, { clock: { now: () => now, setTimeout: () => () => {} } });
  late.grant(1n, 10n);
  put("a", 1n);
  now = 10_000;
  expect(late.renew(1n)).toBe(0n);
  expect(keys()).toEqual([]);
});

test("after the end no lease ends any more", async () => {
  leases.grant(1n, 5n);
  put("a", 1n);
  leases.close();
  await clock.advance(10_000);
  expect(keys()).toEqual(["a"]);
});
