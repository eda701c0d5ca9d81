import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { Call } from "../../src/core/call.ts";
import { Cancellation } from "../../src/core/cancellation.ts";
import { Code } from "../../src/core/code.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import { Scope } from "../../src/core/scope.ts";

const gone = new RpcError(Code.CANCELLED, "gone");

test("a scope follows its caller's signal and its parent, whichever comes first, with an error of its own", () => {
  for (const end of ["caller", "parent"] as const) {
    const caller = new AbortController();
    const parent = new Cancellation();
    const scope = new Scope(caller.signal, parent);
    const heard: RpcError[] = [];
    scope.onCancel((reason) => heard.push(reason));
    if (end === "caller") caller.abort(gone);
    else parent.cancel(gone);
    expect(heard).toMatchObject([{ code: Code.CANCELLED, message: "gone", local: true, cause: gone }]);
    expect(scope.reason).toBe(heard[0]);
    expect(scope.signal.reason).toBe(heard[0]);
    expect(heard[0]).not.toBe(gone);
  }
});

test("a scope knows of a cancellation that nobody listened for", () => {
  const parent = new Cancellation();
  const scope = new Scope(undefined, parent);
  expect(scope.over).toBe(false);
  parent.cancel(gone);
  expect([scope.over, scope.reason?.message]).toEqual([true, "gone"]);
  expect(new Scope(AbortSignal.abort()).signal.aborted).toBe(true);
});

test("a scope listens to others only while somebody listens to it", () => {
  const caller = new AbortController();
  const scope = new Scope(caller.signal);
  const listeners = () => getEventListeners(caller.signal, "abort").length;
  const one = () => {};
  const two = () => {};
  expect(listeners()).toBe(0);
  scope.onCancel(one);
  scope.onCancel(two);
  expect(listeners()).toBe(1);
  scope.offCancel(one);
  expect(listeners()).toBe(1);
  scope.offCancel(two);
  expect(listeners()).toBe(0);
  expect(scope.signal.aborted).toBe(false);
  expect(listeners()).toBe(1);
  scope.end();
  expect(listeners()).toBe(0);
});

test("to a signal and to a parent, many scopes cost each no more than a few do", () => {
  const caller = new AbortController();
  const parent = new Cancellation();
  const scopes = Array.from({ length: 100_000 }, () => new Scope(caller.signal, parent));
  const heard: Scope[] = [];
  const listeners = scopes.map((scope) => () => void heard.push(scope));
  for (const [i, scope] of scopes.entries()) scope.onCancel(listeners[i] as () => void);
  expect(getEventListeners(caller.signal, "abort")).toHaveLength(1);
  const startedMs = performance.now();
  for (let i = scopes.length - 1; i >= 3; i--) scopes[i]?.offCancel(listeners[i] as () => void);
  // Were all looked through for each, it would be minutes.
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  caller.abort();
  expect(heard).toEqual(scopes.slice(0, 3));
  expect(getEventListeners(caller.signal, "abort")).toHaveLength(0);
});

test("a signal that aborts tells no scope that another one's end has ended", () => {
  const caller = new AbortController();
  const [first, second] = [new Scope(caller.signal), new Scope(caller.signal)];
  const heard: string[] = [];
  first.onCancel(() => second.end());
  second.onCancel(() => heard.push("second"));
  caller.abort();
  expect(heard).toEqual([]);
});

test("a signal of another kind, that calls its listeners as mere functions, is followed too", () => {
  let listener: unknown;
  const signal = {
    aborted: false,
    reason: gone,
    addEventListener(_type: string, added: unknown) {
      listener = added;
    },
    removeEventListener() {},
  };
  const scope = new Scope(signal as never);
  const heard: RpcError[] = [];
  scope.onCancel((reason) => heard.push(reason));
  (listener as () => void)();
  expect(heard).toMatchObject([{ message: "gone" }]);
});

test("a signal in the place of a call's own cancellation is listened to until the call's handler is done", () => {
  const long = new AbortController();
  const listeners = () => getEventListeners(long.signal, "abort").length;
  const { echo: method } = Probe.methods;
  for (const cancelled of [false, true]) {
    const own = new Cancellation();
    const call = new Call({ method, request: {}, cancellation: own }).with({ cancellation: long.signal });
    expect(call.with({ attempt: 2 }).signal?.aborted).toBe(false);
    expect(listeners()).toBe(1);
    if (cancelled) own.cancel(gone);
    expect(listeners()).toBe(1);
    own.end();
    expect(listeners()).toBe(0);
  }
});

test("what comes after the end reaches nobody, and the signal stays as it is", () => {
  const parent = new Cancellation();
  const scope = new Scope(undefined, parent);
  const { signal } = scope;
  const heard: RpcError[] = [];
  scope.onCancel((reason) => heard.push(reason));
  scope.end();
  parent.cancel(gone);
  scope.cancel(gone);
  expect([heard, signal.aborted, scope.reason, scope.over]).toEqual([[], false, undefined, true]);
});

test("time that ran out is not the caller's doing alone: it may count against a server", () => {
  const parent = new Cancellation();
  parent.cancel(new RpcError(Code.DEADLINE_EXCEEDED, "too late"));
  expect(new Scope(undefined, parent).reason).toMatchObject({ code: Code.DEADLINE_EXCEEDED, local: false });
});
