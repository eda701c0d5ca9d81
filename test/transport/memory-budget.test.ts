import { expect, test } from "vitest";
import { Code } from "../../src/core/code.ts";
import { HeldRequest } from "../../src/transport/held-request.ts";
import type { MemoryAccount } from "../../src/transport/memory-account.ts";
import { MemoryBudget } from "../../src/transport/memory-budget.ts";
import { event, failure } from "../contract/transport/world.ts";

const MIB = 1024 * 1024;

function open(memory: MemoryBudget, on: { room?: () => void; evict?: () => void } = {}): MemoryAccount {
  return memory.open({ room: on.room ?? (() => {}), evict: on.evict ?? (() => {}) }, 0);
}

test("nobody is lent more than is left for the others", () => {
  const memory = new MemoryBudget({ bytes: 30 * MIB });
  const [first, second, third] = [open(memory), open(memory), open(memory)];
  const takeAll = (account: MemoryAccount): number => {
    while (account.has(account.spare + 256 * 1024)) account.hold(account.spare);
    return account.held / MIB;
  };
  expect(takeAll(first)).toBeCloseTo(15, 0);
  expect(takeAll(second)).toBeCloseTo(7.5, 0);
  expect(takeAll(third)).toBeCloseTo(3.75, 0);
  expect(memory.lent).toBeLessThanOrEqual(memory.bytes);
});

test("windows grow only while half is free", () => {
  const memory = new MemoryBudget({ bytes: 10 * MIB });
  const [first, second] = [open(memory), open(memory)];
  expect(first.mayAllow(2 * MIB, 1 / 2)).toBe(true);
  first.allow(2 * MIB);
  expect(second.mayAllow(MIB, 1 / 2)).toBe(false);
  expect(second.mayAllow(MIB / 4, 1 / 4)).toBe(true);
});

test("a first window is not lent before it is filled, and windows leave a quarter for messages", () => {
  const memory = new MemoryBudget({ bytes: 64 * MIB });
  const accounts = Array.from({ length: 1000 }, () => memory.open({ room() {}, evict() {} }, 65_535));
  expect(memory.lent).toBe(0);
  for (const account of accounts) if (account.mayAllow(MIB / 4, 1 / 4)) account.allow(MIB / 4);
  expect(memory.lent).toBeGreaterThan(32 * MIB);
  expect(memory.free).toBeGreaterThanOrEqual(16 * MIB);
  const last = accounts.at(-1);
  const { lent } = memory;
  if (last !== undefined) last.window -= 50_000;
  last?.hold(100_000);
  expect(memory.lent).toBe(lent + 100_000);
  expect(last?.has(4 * MIB)).toBe(true);
  last?.free(100_000);
  expect(memory.lent).toBe(lent);
  for (const account of accounts) account.close();
  expect(memory.lent).toBe(0);
});

test("who is alone with a message has all there is, and no more", () => {
  const memory = new MemoryBudget({ bytes: 16 * MIB });
  const [idle, alone] = [open(memory), open(memory)];
  idle.allow(MIB);
  expect(alone.has(12 * MIB)).toBe(false);
  expect(alone.hasAlone(17 * MIB)).toBe(false);
  expect(alone.hasAlone(12 * MIB)).toBe(true);
  alone.hold(12 * MIB);
  expect(idle.hasAlone(12 * MIB)).toBe(false);
});

test("what is lent and no longer needed is given back", () => {
  const memory = new MemoryBudget({ bytes: 16 * MIB });
  const account = open(memory);
  expect(account.has(MIB)).toBe(true);
  account.hold(MIB / 2);
  account.free(MIB / 2);
  expect(memory.lent).toBe(0);
});

test("who waits is not ended while nobody else waits, however long it holds what it has", async () => {
  const memory = new MemoryBudget({ bytes: 16 * MIB, patienceMs: 10 });
  const windows = open(memory);
  memory.lend(windows, 20 * MIB);
  const long = event();
  let looks = 0;
  const waiting: MemoryAccount = open(memory, {
    room() {
      waiting.wait();
      if (++looks === 10) long.happen();
    },
    evict: () => expect.unreachable("it waits itself"),
  });
  waiting.hold(MIB);
  waiting.wait();
  await long.happened;
  expect(memory.held).toBe(MIB);
});

test("of those that all wait, each has what it needs in turn before anybody is ended", async () => {
  const memory = new MemoryBudget({ bytes: 8 * MIB, patienceMs: 200 });
  const done: number[] = [];
  const all = event();
  for (let i = 0; i < 3; i++) {
    const account: MemoryAccount = open(memory, {
      room() {
        if (!account.has(MIB)) return account.wait();
        done.push(i);
        account.close();
        if (done.length === 3) all.happen();
      },
      evict: () => expect.unreachable("it waits itself"),
    });
    account.hold(2.5 * MIB);
    account.wait();
  }
  await all.happened;
  expect(done).toEqual([0, 1, 2]);
});

test("looks that come late, since the event loop was busy, leave out nothing: nobody is lent beyond an eighth too much", async () => {
  const memory = new MemoryBudget({ bytes: 8 * MIB, patienceMs: 100 });
  let most = 0;
  const done = event();
  let left = 3;
  const over = (): void => {
    if (--left === 0) done.happen();
  };
  for (let i = 0; i < 3; i++) {
    const account: MemoryAccount = open(memory, {
      room() {
        const has = account.has(4 * MIB);
        most = Math.max(most, memory.lent);
        if (!has) return account.wait();
        account.close();
        over();
      },
      evict: over,
    });
    account.hold(2.5 * MIB);
    account.wait();
  }
  const until = performance.now() + 250;
  while (performance.now() < until);
  await done.happened;
  expect(most).toBeLessThanOrEqual(9 * MIB);
});

test("nobody is ended since the event loop was busy for longer than the patience", async () => {
  const memory = new MemoryBudget({ bytes: 16 * MIB, patienceMs: 100 });
  const holding = open(memory, { evict: () => expect.unreachable("it could not move") });
  holding.hold(12 * MIB);
  const room = event();
  const waiting: MemoryAccount = open(memory, {
    room() {
      if (waiting.has(8 * MIB)) room.happen();
      else waiting.wait();
    },
  });
  waiting.wait();
  const until = performance.now() + 250;
  while (performance.now() < until);
  // What has come meanwhile is looked at behind the timers that were due.
  setImmediate(() => holding.free(12 * MIB));
  await room.happened;
});

test("what has begun just now has the whole patience, however long its connection did nothing", async () => {
  const memory = new MemoryBudget({ bytes: 16 * MIB, patienceMs: 150 });
  const begun = new Map<string, number>();
  const after: Record<string, number> = {};
  const both = event();
  const upload = (name: string): MemoryAccount =>
    open(memory, {
      evict() {
        after[name] = performance.now() - (begun.get(name) as number);
        if (Object.keys(after).length === 2) both.happen();
      },
    });
  const [first, second] = [upload("first"), upload("second")];
  first.hold(8 * MIB);
  await new Promise((resolve) => setTimeout(resolve, 160));
  const waiting: MemoryAccount = open(memory, { room: () => waiting.wait() });
  begun.set("first", performance.now());
  waiting.wait();
  await new Promise((resolve) => setTimeout(resolve, 100));
  begun.set("second", performance.now());
  second.hold(8 * MIB);
  memory.lend(waiting, 8 * MIB);
  await both.happened;
  expect(after.first).toBeGreaterThanOrEqual(149);
  expect(after.second).toBeGreaterThanOrEqual(149);
  waiting.close();
});

test("what is let go of goes to those that wait", async () => {
  const memory = new MemoryBudget({ bytes: 10 * MIB });
  const full = open(memory);
  full.hold(9 * MIB);
  const room = event();
  const waiting = open(memory, { room: () => room.happen() });
  expect(waiting.has(2 * MIB)).toBe(false);
  waiting.wait();
  full.close();
  await room.happened;
  expect(waiting.has(2 * MIB)).toBe(true);
});

test("those that hold most and do not move are ended where others wait, and no more than it takes", async () => {
  const memory = new MemoryBudget({ bytes: 16 * MIB, patienceMs: 50 });
  const ended: string[] = [];
  const room = event();
  const accounts = new Map(["small", "large", "larger", "moving"].map((name) => [name, named(name)]));
  function named(name: string): MemoryAccount {
    return open(memory, { evict: () => void ended.push(name) });
  }
  accounts.get("small")?.hold(1 * MIB);
  accounts.get("large")?.hold(3 * MIB);
  accounts.get("larger")?.hold(4 * MIB);
  const moving = accounts.get("moving");
  moving?.hold(6 * MIB);
  const longSince = event();
  let moved = 0;
  const moves = setInterval(() => {
    moving?.free(MIB);
    moving?.hold(MIB);
    if (++moved === 20) longSince.happen();
  }, 5);
  await longSince.happened;
  const waiting = open(memory, {
    room() {
      if (waiting.has(3 * MIB)) room.happen();
      else waiting.wait();
    },
  });
  waiting.wait();
  await room.happened;
  clearInterval(moves);
  expect(ended).toEqual(["larger", "large"]);
});

test("what waits to be sent is counted by itself; one has no more than is left for others, and of little there is room", () => {
  const memory = new MemoryBudget({ bytes: 64 * MIB });
  const [first, second, third] = [open(memory), open(memory), open(memory)];
  const keepAll = (account: MemoryAccount): number => {
    while (account.keepUnsent(MIB));
    return account.unsent / MIB;
  };
  expect(keepAll(first)).toBe(12);
  expect(keepAll(second)).toBe(6);
  for (let i = 0; i < 2; i++) expect(keepAll(open(memory))).toBeLessThanOrEqual(4);
  expect(third.keepUnsent(2 * MIB)).toBe(true);
  expect(memory.unsent).toBeLessThanOrEqual(32 * MIB);
  expect(memory.lent).toBe(0);
  first.freeUnsent(12 * MIB);
  expect(third.keepUnsent(2 * MIB)).toBe(true);
  const before = memory.unsent;
  third.close();
  expect(memory.unsent).toBe(before - 4 * MIB);
});

test("those that take nothing of what waits for them are ended once something is refused, and no others", async () => {
  const memory = new MemoryBudget({ bytes: 16 * MIB, patienceMs: 30 });
  const ended = event();
  const idle = open(memory, { evict: () => ended.happen() });
  idle.keepUnsent(3 * MIB);
  const reading = open(memory, { evict: () => expect.unreachable("it reads") });
  reading.keepUnsent(MIB);
  const reads = setInterval(() => reading.taken(MIB), 5);
  expect(idle.keepUnsent(4 * MIB)).toBe(false);
  await ended.happened;
  clearInterval(reads);
  expect(memory.unsent).toBe(MIB);
});

test("where requests wait for room, who takes nothing of a reply that stands in such room is ended, and no slow reader", async () => {
  const memory = new MemoryBudget({ bytes: 16 * MIB, patienceMs: 30 });
  const ended = event();
  const slow = open(memory, { evict: () => expect.unreachable("it stands in nobody's way") });
  slow.keepUnsent(MIB);
  const holding = open(memory, { evict: () => ended.happen() });
  holding.keepElsewhere(4 * MIB);
  const requests = memory.requests.open("10.0.0.1");
  new HeldRequest(requests).set(4 * MIB);
  const waiting = new HeldRequest(requests);
  const refused = failure(waiting.enter(MIB));
  await ended.happened;
  expect((await refused).code).toBe(Code.RESOURCE_EXHAUSTED);
});

test("nobody is ended while there is enough", async () => {
  const memory = new MemoryBudget({ bytes: 16 * MIB, patienceMs: 20 });
  const idle = open(memory, { evict: () => expect.unreachable("it stands in nobody's way") });
  idle.hold(MIB);
  const room = event();
  const waiting = open(memory, { room: () => room.happen() });
  waiting.wait();
  await room.happened;
  expect(idle.held).toBe(MIB);
});

test("where nothing moves and nobody can be ended, one after the other has what it needs", async () => {
  const memory = new MemoryBudget({ bytes: 4 * MIB, patienceMs: 20 });
  const done: number[] = [];
  const all = event();
  for (let i = 0; i < 2; i++) {
    const account: MemoryAccount = open(memory, {
      room() {
        if (!account.has(3 * MIB)) return account.wait();
        done.push(i);
        account.close();
        if (done.length === 2) all.happen();
      },
    });
    account.wait();
  }
  await all.happened;
  expect(done).toEqual([0, 1]);
});

test("who waits alone beside others that move, and leave it too little, has what it needs in the end", async () => {
  const memory = new MemoryBudget({ bytes: 16 * MIB, patienceMs: 100 });
  let evicted = 0;
  const moving = open(memory, { evict: () => void evicted++ });
  moving.hold(10 * MIB);
  const timer = setInterval(() => {
    moving.free(5 * MIB);
    moving.hold(5 * MIB);
  }, 4);
  const had = event();
  const waiting: MemoryAccount = open(memory, {
    room() {
      if (waiting.has(10 * MIB)) had.happen();
      else waiting.wait();
    },
  });
  waiting.wait();
  await had.happened;
  clearInterval(timer);
  expect(evicted).toBe(0);
});

test("who waits and holds little is not ended for those that move, hold much and want more", async () => {
  const memory = new MemoryBudget({ bytes: 16 * MIB, patienceMs: 50 });
  const greedy: MemoryAccount = open(memory, { room: () => greedy.wait() });
  greedy.hold(12 * MIB);
  greedy.wait();
  const moves = setInterval(() => {
    greedy.free(4 * MIB);
    greedy.hold(4 * MIB);
  }, 4);
  const had = event();
  const waiting: MemoryAccount = open(memory, {
    room() {
      if (waiting.has(10 * MIB)) had.happen();
      else waiting.wait();
    },
    evict: () => expect.unreachable("it cannot move"),
  });
  waiting.hold(MIB / 8);
  waiting.wait();
  await had.happened;
  clearInterval(moves);
});

test("the budget of the process is a part of what it may use", () => {
  const { bytes } = new MemoryBudget();
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThanOrEqual(1024 * MIB);
  expect(() => new MemoryBudget({ bytes: 0 })).toThrow("give a number over 0");
});
