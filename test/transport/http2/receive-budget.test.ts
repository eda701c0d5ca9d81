import { expect, test } from "vitest";
import { limitsFrom } from "../../../src/transport/http2/limits.ts";
import { ReceiveBudget, type ReceiveWindow } from "../../../src/transport/http2/receive-budget.ts";
import { MemoryBudget } from "../../../src/transport/memory-budget.ts";

const limits = limitsFrom({ streamWindowBytes: 100, maxStreamWindowBytes: 1000, growthBytes: 1000 });

function setup() {
  const memory = new MemoryBudget({ bytes: 1e9 }).open({ room() {}, evict() {} }, 0);
  const updates: number[] = [];
  const budget = new ReceiveBudget(limits, memory, (_window, bytes) => updates.push(bytes));
  const open = (): ReceiveWindow => ({ window: 100, coming: 0, target: 100, unsaid: 0, granted: 0, waitsFor: 0 });
  return { budget, updates, open };
}

test("a reader that keeps up has its window doubled, up to its share of the budget", () => {
  const { budget, updates, open } = setup();
  const window = open();
  for (let i = 0; i < 10; i++) {
    const bytes = window.window;
    window.window = 0;
    budget.read(window, bytes, true);
  }
  expect(updates.slice(0, 3)).toEqual([200, 400, 400]);
  expect(window.target).toBe(400);
});

test("a reader that lags behind is told only what it has read", () => {
  const { budget, updates, open } = setup();
  const window = open();
  window.window = 0;
  budget.read(window, 40, false);
  expect(updates).toEqual([]);
  budget.read(window, 20, false);
  expect(updates).toEqual([60]);
  expect(window.window).toBe(60);
});

test("a message larger than its window gets all that it lacks, and gives it back when it is read", () => {
  const { budget, updates, open } = setup();
  const window = open();
  window.window = 10;
  budget.expect(window, 500);
  expect(updates).toEqual([490]);
  window.window = 0;
  budget.read(window, 590, true);
  expect(window).toMatchObject({ granted: 0, target: 200 });
  expect(window.window).toBe(200);
});

test("what is still to come of a frame that has begun is not granted again", () => {
  const { budget, updates, open } = setup();
  const window = open();
  window.window = 0;
  window.coming = 300;
  expect(budget.expect(window, 300)).toBe(true);
  expect(budget.expect(window, 500)).toBe(true);
  expect(updates).toEqual([200]);
  expect(window.granted).toBe(200);
});

test("messages for which nothing is left wait in turn, and each that is granted can end", () => {
  const { budget, updates, open } = setup();
  const [first, second, third, fourth] = [open(), open(), open(), open()];
  budget.expect(first, 500);
  budget.expect(second, 500);
  budget.expect(third, 400);
  budget.expect(fourth, 200);
  expect(updates).toEqual([400, 400]);
  budget.release(first);
  expect(updates).toEqual([400, 400, 300, 100]);
  expect(third.window).toBe(400);
  expect(fourth.window).toBe(200);
});

test("one message may always come, however large it is", () => {
  const { budget, updates, open } = setup();
  budget.expect(open(), 5000);
  expect(updates).toEqual([4900]);
});

test("a message that needs more than half of it all comes beside what nobody reads, one at a time", () => {
  const { budget, updates, open } = setup();
  const [idle, large, second] = [open(), open(), open()];
  budget.expect(idle, 800);
  budget.expect(large, 5000);
  budget.expect(second, 5000);
  expect(updates).toEqual([700, 4900]);
  budget.release(large);
  expect(updates).toEqual([700, 4900, 4900]);
});

test("a message that came without room is like any other once others have given theirs back", () => {
  const { budget, updates, open } = setup();
  const [idle, slow, large] = [open(), open(), open()];
  budget.expect(idle, 800);
  budget.expect(slow, 700);
  budget.expect(large, 900);
  expect(updates).toEqual([700, 600]);
  budget.release(idle);
  expect(updates).toEqual([700, 600, 800]);
  expect(large.window).toBe(900);
});

test("what a message lacks is reckoned anew when its turn comes: what was read meanwhile is lacked no more", () => {
  const { budget, updates, open } = setup();
  const [first, second, third] = [open(), open(), open()];
  budget.expect(first, 1000);
  second.window = 20;
  budget.expect(second, 200);
  expect(updates).toEqual([900]);
  budget.read(second, 80, false);
  expect(updates).toEqual([900, 80]);
  budget.read(second, 300, false);
  expect(second).toMatchObject({ waitsFor: 0, window: 400, granted: 0 });
  budget.expect(third, 200);
  budget.release(first);
  expect(updates).toEqual([900, 80, 300, 100]);
  expect(second.granted).toBe(0);
});

test("a stream that ends while it waits waits no longer", () => {
  const { budget, updates, open } = setup();
  const [first, second, third] = [open(), open(), open()];
  budget.expect(first, 1000);
  budget.expect(second, 500);
  budget.expect(third, 500);
  budget.release(second);
  budget.release(first);
  expect(updates).toEqual([900, 400]);
  expect(third.window).toBe(500);
});
