import { expect, test } from "vitest";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { Call, type CallInit } from "../../src/core/call.ts";
import { Code } from "../../src/core/code.ts";
import { deadlineAfter } from "../../src/core/deadline.ts";
import { type Connection, createLink, type Link } from "../../src/transport/link.ts";

interface Attempt {
  readonly signal: AbortSignal;
  /** `served` where a call on the connection has been answered. */
  succeed(served?: boolean): void;
  fail(error?: Error): void;
  lose(reason?: string): void;
}

/** A link whose every try is in the test's hands. */
function linked(options: { connectTimeoutMs?: number } = {}) {
  const attempts: Attempt[] = [];
  const arrivals: ((attempt: Attempt) => void)[] = [];
  const closed: number[] = [];
  const states: string[] = [];
  const link: Link<Connection> = createLink<Connection>({
    address: "a:1",
    ...options,
    changed: () => states.push(link.state),
    open(signal, lost) {
      const { promise, resolve, reject } = Promise.withResolvers<Connection>();
      const number = attempts.length;
      const attempt: Attempt = {
        signal,
        succeed: (served = false) => resolve({ served, close: () => closed.push(number) }),
        fail: (error = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" })) => reject(error),
        lose: (reason = "connection lost") => lost(reason),
      };
      attempts.push(attempt);
      arrivals.shift()?.(attempt);
      return promise;
    },
  });
  const next = (): Promise<Attempt> => new Promise((resolve) => arrivals.push(resolve));
  return { link, attempts, closed, states, next };
}

const call = (init: Partial<CallInit> = {}): Call => new Call({ method: Probe.methods.echo, request: {}, ...init });
const itself = (connection: Connection): Connection => connection;
const turn = (): Promise<void> => new Promise(setImmediate);

test("it connects at once, and calls wait for it", async () => {
  const { link, attempts, states } = linked();
  const waiting = link.connected(call(), itself);
  attempts[0]?.succeed();
  expect(await waiting).toBe(link.connection);
  expect(link.state).toBe("ready");
  expect(states).toEqual(["ready"]);
  link.close();
});

test("calls that waited for a try fail with it, as unprocessed", async () => {
  const { link, attempts } = linked();
  const waiting = [link.connected(call(), itself), link.connected(call(), itself)];
  attempts[0]?.fail();
  for (const each of waiting) {
    await expect(each).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      unprocessed: true,
      message: "cannot connect to a:1: connection refused (ECONNREFUSED)",
    });
  }
  expect(link).toMatchObject({ state: "failed", reason: "connection refused (ECONNREFUSED)" });
  link.close();
});

test("a fresh failure stands for the calls that follow", async () => {
  const { link, attempts } = linked();
  attempts[0]?.fail();
  await turn();
  await expect(link.connected(call(), itself)).rejects.toMatchObject({ unprocessed: true });
  expect(attempts).toHaveLength(1);
  link.close();
});

test("it tries again by itself until it succeeds", async () => {
  const { link, attempts, states, next } = linked();
  attempts[0]?.fail();
  (await next()).fail();
  (await next()).succeed();
  await turn();
  expect(link.state).toBe("ready");
  expect(states).toEqual(["failed", "ready"]);
  link.close();
});

test("a call makes a new try at once where the failure is not fresh", async () => {
  const { link, attempts, next } = linked();
  attempts[0]?.fail();
  for (let i = 0; i < 3; i += 1) (await next()).fail();
  await new Promise((resolve) => setTimeout(resolve, 120));
  const before = attempts.length;
  const waiting = link.connected(call(), itself);
  expect(attempts.length).toBe(before + 1);
  attempts.at(-1)?.succeed();
  await waiting;
  link.close();
});

test("it can be told to try at once, where the failure is not fresh", async () => {
  const { link, attempts, next } = linked();
  attempts[0]?.fail();
  await turn();
  link.hurry();
  expect(attempts).toHaveLength(1);
  for (let i = 0; i < 3; i += 1) (await next()).fail();
  await new Promise((resolve) => setTimeout(resolve, 120));
  const before = attempts.length;
  link.hurry();
  link.hurry();
  expect(attempts.length).toBe(before + 1);
  attempts.at(-1)?.succeed();
  await turn();
  link.hurry();
  expect(attempts.length).toBe(before + 1);
  link.close();
  link.hurry();
  expect(attempts.length).toBe(before + 1);
});

test("a connection that is lost is closed, and made anew", async () => {
  const { link, attempts, closed, states, next } = linked();
  attempts[0]?.succeed();
  await turn();
  attempts[0]?.lose();
  expect(closed).toEqual([0]);
  expect(link).toMatchObject({ state: "connecting", reason: "connection lost", connection: undefined });
  const waiting = link.connected(call(), itself);
  (await next()).succeed();
  await waiting;
  expect(states).toEqual(["ready", "connecting", "ready"]);
  link.close();
});

test("a connection is lost only once, and an old one not at all", async () => {
  const { link, attempts, closed, next } = linked();
  attempts[0]?.succeed();
  await turn();
  attempts[0]?.lose();
  attempts[0]?.lose();
  (await next()).succeed();
  await turn();
  attempts[0]?.lose();
  expect(link.state).toBe("ready");
  expect(closed).toEqual([0]);
  link.close();
});

test("a connection that is lost before it was handed over is a try that failed", async () => {
  const { link, attempts, closed, states, next } = linked();
  attempts[0]?.lose("gone already");
  attempts[0]?.succeed();
  await turn();
  expect(link).toMatchObject({ state: "failed", reason: "gone already" });
  expect(closed).toEqual([0]);
  (await next()).succeed();
  await turn();
  expect(states).toEqual(["failed", "ready"]);
  link.close();
});

test("connections that break as soon as they are made do not make it spin", async () => {
  const { link, attempts, next } = linked();
  attempts[0]?.succeed();
  await turn();
  attempts[0]?.lose();
  await turn();
  await turn();
  expect(attempts).toHaveLength(1);
  await next();
  link.close();
});

test("a try that takes too long is given up, and its signal says so", async () => {
  const { link, attempts, closed } = linked({ connectTimeoutMs: 30 });
  const waiting = link.connected(call(), itself);
  await expect(waiting).rejects.toMatchObject({ message: "cannot connect to a:1: no connection within 30 ms" });
  expect(attempts[0]?.signal.aborted).toBe(true);
  attempts[0]?.succeed();
  await turn();
  expect(closed).toEqual([0]);
  expect(link.state).toBe("failed");
  link.close();
});

test("a call that waits ends with its deadline or its cancellation, and the try goes on", async () => {
  const { link, attempts } = linked();
  const controller = new AbortController();
  const late = link.connected(call({ deadline: deadlineAfter(20) }), itself);
  const cancelled = link.connected(call({ cancellation: controller.signal }), itself);
  controller.abort();
  await expect(cancelled).rejects.toMatchObject({ code: Code.CANCELLED });
  await expect(late).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED, message: expect.stringContaining("a:1") });
  attempts[0]?.succeed();
  await turn();
  expect(link.state).toBe("ready");
  link.close();
});

test("closing gives up the try, the calls that wait for it, and the connection that it makes all the same", async () => {
  const { link, attempts, closed, states } = linked();
  const waiting = link.connected(call(), itself);
  link.close();
  link.close();
  await expect(waiting).rejects.toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
  expect(attempts[0]?.signal.aborted).toBe(true);
  attempts[0]?.succeed();
  await turn();
  expect(closed).toEqual([0]);
  expect(states).toEqual(["closed"]);
  await expect(link.connected(call(), itself)).rejects.toMatchObject({ unprocessed: true });
});

test("a connection that has taken a call is replaced at once when it goes, however young", async () => {
  const { link, attempts } = linked();
  for (let i = 0; i < 20; i += 1) {
    attempts[i]?.succeed(true);
    await turn();
    attempts[i]?.lose("the server goes away");
    expect(attempts).toHaveLength(i + 2);
  }
  link.close();
});

test("a call waits no longer than a moment for a connection that is lost as soon as it is made, again and again", async () => {
  const { link, attempts, next } = linked();
  for (let i = 0; i < 5; i += 1) {
    const waiting = link.connected(call(), itself);
    if (i > 0) await next();
    attempts[i]?.succeed();
    await waiting;
    attempts[i]?.lose();
  }
  // Without a call the pause is longer than half a second by now.
  const started = performance.now();
  const waiting = link.connected(call(), itself);
  (await next()).succeed();
  await waiting;
  expect(performance.now() - started).toBeLessThan(400);
  link.close();
});

test("a connection can be given up, and only while it is the one", async () => {
  const { link, attempts, closed } = linked();
  attempts[0]?.succeed(true);
  await turn();
  const first = link.connection as Connection;
  link.drop(first, "it does not answer");
  expect(closed).toEqual([0]);
  expect(attempts).toHaveLength(2);
  link.drop(first, "it does not answer");
  attempts[1]?.succeed();
  await turn();
  expect(link.state).toBe("ready");
  link.close();
});

test("who waits uses the connection in turn, and before anybody hears that it is ready", async () => {
  const happened: string[] = [];
  const attempts: ((connection: Connection) => void)[] = [];
  const link: Link<Connection> = createLink<Connection>({
    address: "a:1",
    changed: () => happened.push(link.state),
    open: () => new Promise((resolve) => attempts.push(resolve)),
  });
  const used = ["first", "second"].map((name) => link.connected(call(), () => happened.push(name)));
  attempts[0]?.({ served: false, close() {} });
  await Promise.all(used);
  expect(happened).toEqual(["first", "second", "ready"]);
  link.close();
});

test("a connection that whoever waited for it uses up is never said to be ready", async () => {
  const { link, attempts, states } = linked();
  const waiting = link.connected(call(), () => attempts[0]?.lose("its stream ids are used up"));
  attempts[0]?.succeed();
  await waiting;
  expect(link).toMatchObject({ state: "connecting", connection: undefined });
  expect(states).toEqual([]);
  link.close();
});

test("a call that is over already waits for nothing", async () => {
  const { link } = linked();
  const cancelled = new AbortController();
  cancelled.abort();
  await expect(link.connected(call({ cancellation: cancelled.signal }), itself)).rejects.toMatchObject({
    code: Code.CANCELLED,
  });
  await expect(link.connected(call({ deadline: deadlineAfter(0.001) }), itself)).rejects.toMatchObject({
    code: Code.DEADLINE_EXCEEDED,
  });
  link.close();
});
