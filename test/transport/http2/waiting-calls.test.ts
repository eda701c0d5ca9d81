import { expect, test } from "vitest";
import type { WaitingCall } from "../../../src/transport/http2/waiting-call.ts";
import { WaitingCalls } from "../../../src/transport/http2/waiting-calls.ts";

function some(names: string): { waiting: WaitingCalls; call: Record<string, WaitingCall>; rest(): string } {
  const waiting = new WaitingCalls();
  const call: Record<string, WaitingCall> = {};
  for (const name of names) {
    call[name] = { name, before: undefined, behind: undefined } as unknown as WaitingCall;
    waiting.push(call[name]);
  }
  const rest = (): string => {
    let left = "";
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) left += (next as any).name;
    return left;
  };
  return { waiting, call, rest };
}

test("calls come out in the order in which they came in", () => {
  const { waiting, rest } = some("abc");
  expect(waiting.size).toBe(3);
  expect(rest()).toBe("abc");
  expect(waiting.size).toBe(0);
});

test.each([
  ["first", "a", "bcd"],
  ["middle", "b", "acd"],
  ["last", "d", "abc"],
])("the %s may leave, and the others keep their order", (_where, leaves, left) => {
  const { waiting, call, rest } = some("abcd");
  waiting.remove(call[leaves] as WaitingCall);
  expect(waiting.size).toBe(3);
  expect(rest()).toBe(left);
});

test("where all have left, others may come", () => {
  const { waiting, call, rest } = some("a");
  waiting.remove(call.a as WaitingCall);
  expect(rest()).toBe("");
  waiting.push(call.a as WaitingCall);
  expect(rest()).toBe("a");
});
