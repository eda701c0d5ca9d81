import { AsyncLocalStorage } from "node:async_hooks";
import { beforeEach, describe, expect, test } from "vitest";
import { Health } from "../../gen/grpc/health/v1/health.rpc.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection.rpc.ts";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { Call, type Handler, type Reply } from "../../src/core/call.ts";
import { Cancellation } from "../../src/core/cancellation.ts";
import { Code } from "../../src/core/code.ts";
import { pushbackOf } from "../../src/core/pushback.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import {
  type ConcurrencyLimit,
  type ConcurrencyLimitOptions,
  concurrencyLimit,
} from "../../src/limit/concurrency-limit.ts";
import { keptLog, makeCall, reply, seeded } from "../balance/fakes.ts";
import { settled, type VirtualClock, virtualClock } from "../simulator/virtual-clock.ts";

let clock: VirtualClock;
let limit: ConcurrencyLimit;
let handle: Handler;
/** Ends of the calls that run, in the order of their start. */
let running: PromiseWithResolvers<Reply>[];

beforeEach(() => {
  clock = virtualClock();
  running = [];
});

function guard(options: ConcurrencyLimitOptions = {}): void {
  limit = concurrencyLimit({ clock, random: seeded(), loopDelay: () => 0, ...options });
  // What a test leaves behind may still start; it is no concern of the next.
  const mine = running;
  handle = limit(() => {
    const end = Promise.withResolvers<Reply>();
    mine.push(end);
    return end.promise;
  });
}

/** Notes how a call ends. */
function watch(call: Call = makeCall()): { outcome: unknown } {
  const watched: { outcome: unknown } = { outcome: "waiting" };
  handle(call).then(
    () => {
      watched.outcome = "answered";
    },
    (error) => {
      watched.outcome = error;
    },
  );
  return watched;
}

const refused = { code: Code.UNAVAILABLE, message: "the server has as much to do as it can" };

describe("a full server", () => {
  test("starts no more calls than the limit, and the next when one has ended", async () => {
    guard({ initialLimit: 4 });
    for (let i = 0; i < 6; i++) watch();
    await settled();
    expect(running).toHaveLength(4);
    expect(limit.stats()).toMatchObject({ limit: 4, inflight: 4, waiting: 2, admitted: 4, refused: 0 });
    running[2]?.resolve(reply);
    await settled();
    await settled();
    expect(running).toHaveLength(5);
  });

  test("gives the slot back of a call that failed, or threw at once", async () => {
    guard({ initialLimit: 4, maxWaiting: 0 });
    handle = limit(() => {
      throw new Error("at once");
    });
    for (let i = 0; i < 20; i++) {
      await expect(handle(makeCall())).rejects.toThrow("at once");
      await settled();
    }
    expect(limit.stats()).toMatchObject({ inflight: 0, refused: 0 });
  });

  test("refuses what the line does not hold, with UNAVAILABLE and when to come back", async () => {
    guard({ initialLimit: 4, maxWaiting: 2, pushbackMs: 200 });
    for (let i = 0; i < 6; i++) watch();
    const pushbacks = new Set<unknown>();
    for (let i = 0; i < 50; i++) {
      const error = await handle(makeCall()).catch((caught) => caught);
      expect(error).toMatchObject(refused);
      pushbacks.add(pushbackOf(error.metadata));
    }
    for (const ms of pushbacks) {
      expect(ms).toBeGreaterThanOrEqual(100);
      expect(ms).toBeLessThanOrEqual(300);
    }
    expect(pushbacks.size).toBeGreaterThan(5);
    expect(running).toHaveLength(4);
  });

  test("never refuses health and reflection", async () => {
    guard({ initialLimit: 4, maxWaiting: 0 });
    for (let i = 0; i < 4; i++) watch();
    watch(new Call({ method: Health.methods.check, request: {} }));
    watch(new Call({ method: ServerReflection.methods.serverReflectionInfo, request: {} }));
    await settled();
    expect(running).toHaveLength(6);
  });

  test("holds one limit for all its methods", async () => {
    guard({ initialLimit: 4, maxWaiting: 0 });
    const other = limit(async () => reply);
    for (let i = 0; i < 4; i++) watch();
    await expect(other(makeCall())).rejects.toMatchObject(refused);
  });

  test("logs when it begins to be full and when it has room again", async () => {
    const log = keptLog();
    guard({ logger: log, initialLimit: 4 });
    const pass = async (calls: number) => {
      for (let i = 0; i < calls; i++) watch();
      await clock.advance(100);
      for (let done = false; !done; ) {
        done = running.length === 0;
        for (const end of running.splice(0)) end.resolve(reply);
        await settled();
        await settled();
      }
    };
    await pass(30);
    expect(log.lines).toEqual(["warn: the server is full: calls wait or are refused"]);
    for (let i = 0; i < 24; i++) await pass(1);
    expect(log.lines).toEqual([
      "warn: the server is full: calls wait or are refused",
      "info: the server has room again",
    ]);
  });
});

describe("a call that waits", () => {
  beforeEach(() => {
    guard({ initialLimit: 4, maxWaitMs: 200 });
    for (let i = 0; i < 4; i++) watch();
  });

  test("runs in what its own caller has entered, whoever's end let it in", async () => {
    const user = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const inner = limit(async () => {
      seen.push(user.getStore());
      return reply;
    });
    const waiting = user.run("Ada", () => inner(makeCall()));
    user.run("Bob", () => running[0]?.resolve(reply));
    await waiting;
    expect(seen).toEqual(["Ada"]);
  });

  test("is refused when it has waited for long enough", async () => {
    const call = watch();
    await clock.advance(199);
    expect(call.outcome).toBe("waiting");
    await clock.advance(21);
    expect(call.outcome).toMatchObject(refused);
    expect(running).toHaveLength(4);
  });

  test("is dropped unrun when its deadline passes", async () => {
    const call = watch(makeCall({ deadline: 50 }));
    await clock.advance(60);
    running[0]?.resolve(reply);
    await clock.advance(20);
    expect(call.outcome).toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    expect(running).toHaveLength(4);
  });

  test("is dropped unrun when it is cancelled", async () => {
    const controller = new AbortController();
    const call = watch(makeCall({ cancellation: controller.signal }));
    controller.abort(new RpcError(Code.CANCELLED, "gone"));
    running[0]?.resolve(reply);
    await clock.advance(20);
    expect(call.outcome).toMatchObject({ code: Code.CANCELLED });
    expect(running).toHaveLength(4);
  });

  test("that comes with its deadline passed is not begun", async () => {
    await clock.advance(10);
    expect(watch(makeCall({ deadline: 5 })).outcome).toBe("waiting");
    await expect(handle(makeCall({ deadline: 5 }))).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
  });

  test("goes in its turn, and in a line that does not empty the newest goes first", async () => {
    const ends: string[] = [];
    const named = (name: string) =>
      void handle(makeCall()).then(
        () => ends.push(name),
        () => {},
      );
    named("first");
    named("second");
    running[0]?.resolve(reply);
    await settled();
    await settled();
    running[4]?.resolve(reply);
    await settled();
    expect(ends).toEqual(["first"]);
    // For more than 200 ms there was always somebody in the line.
    for (let i = 0; i < 30; i++) {
      named("older");
      await clock.advance(9);
    }
    named("newer");
    running[1]?.resolve(reply);
    await settled();
    await settled();
    running.at(-1)?.resolve(reply);
    await settled();
    expect(ends.at(-1)).toBe("newer");
  });
});

describe("a handler that goes on though its call is over", () => {
  test.each([
    ["its deadline", Code.DEADLINE_EXCEEDED],
    ["being cancelled", Code.CANCELLED],
  ])("gives its slot back at %s, and is logged once in ten seconds", async (_what, code) => {
    const log = keptLog();
    guard({ initialLimit: 2, maxWaiting: 0, logger: log });
    const cancellations = [new Cancellation(), new Cancellation()];
    for (const cancellation of cancellations) watch(makeCall({ cancellation }));
    await settled();
    await expect(handle(makeCall())).rejects.toMatchObject(refused);
    for (const cancellation of cancellations) cancellation.cancel(new RpcError(code, "over"));
    await settled();
    expect(limit.stats()).toMatchObject({ inflight: 0, abandoned: 2 });
    watch();
    await settled();
    expect(running).toHaveLength(3);
    await clock.advance(9_000);
    const lines = () => log.lines.filter((line) => line.includes("handlers go on"));
    expect(lines()).toEqual(["warn: handlers go on though their calls are over: let them heed context.signal"]);
    running[0]?.resolve(reply);
    running[1]?.reject(new Error("at last"));
    await settled();
    expect(limit.stats()).toMatchObject({ inflight: 1, abandoned: 0 });
    await clock.advance(20_000);
    expect(lines()).toHaveLength(1);
  });

  test("that heeds it is not logged, and its slot comes back once", async () => {
    const log = keptLog();
    guard({ initialLimit: 2, maxWaiting: 0, logger: log });
    for (let i = 0; i < 10; i++) {
      const cancellation = new Cancellation();
      watch(makeCall({ cancellation }));
      await settled();
      cancellation.cancel(new RpcError(Code.CANCELLED, "gone"));
      running.at(-1)?.reject(new Error("aborted"));
      await settled();
    }
    await clock.advance(20_000);
    expect(limit.stats()).toMatchObject({ inflight: 0, abandoned: 0 });
    expect(log.lines).toEqual([]);
  });

  test("lets in who waited", async () => {
    guard({ initialLimit: 1, minLimit: 1, maxWaiting: 5 });
    const cancellation = new Cancellation();
    watch(makeCall({ cancellation }));
    watch();
    await settled();
    expect(running).toHaveLength(1);
    cancellation.cancel(new RpcError(Code.CANCELLED, "gone"));
    await settled();
    await settled();
    expect(running).toHaveLength(2);
  });
});

describe("a stream", () => {
  test("takes its place in the turn in which it starts, and none for as long as it lasts", async () => {
    guard({ initialLimit: 4, maxWaiting: 0 });
    for (let turn = 0; turn < 5; turn++) {
      const calls = Array.from({ length: 6 }, () => watch(new Call({ method: Probe.methods.expand, request: {} })));
      await settled();
      expect(calls.filter(({ outcome }) => outcome !== "waiting")).toHaveLength(2);
    }
    expect(running).toHaveLength(20);
    expect(limit.stats().inflight).toBe(0);
  });
});

describe("the limit", () => {
  test("falls when the event loop is late, though no call seems slow", async () => {
    let lateMs = 0;
    guard({ maxLoopDelayMs: 50, loopDelay: () => lateMs, initialLimit: 100 });
    handle = limit(async () => reply);
    const turns = async (count: number) => {
      for (let turn = 0; turn < count; turn++) {
        for (let i = 0; i < 200; i++) watch();
        await clock.advance(100);
      }
      return limit.stats().limit;
    };
    lateMs = 400;
    expect(await turns(20)).toBeLessThan(20);
    lateMs = 0;
    expect(await turns(40)).toBeGreaterThan(60);
  });

  test("is not moved by more calls of a slow method", async () => {
    guard({ initialLimit: 40 });
    const sleeping = (ms: number): Handler =>
      limit(() => new Promise((resolve) => clock.setTimeout(() => resolve(reply), ms)));
    const [fast, slow] = [sleeping(1), sleeping(80)];
    const slowCall = new Call({ method: { ...Probe.methods.echo }, request: {} });
    const mix = async (fasts: number, slows: number) => {
      for (let i = 0; i < 30; i++) {
        for (let k = 0; k < fasts; k++) void fast(makeCall());
        for (let k = 0; k < slows; k++) void slow(slowCall);
        await clock.advance(100);
      }
      return limit.stats().limit;
    };
    const before = await mix(30, 2);
    expect(await mix(2, 30)).toBeGreaterThanOrEqual(before);
  });
});

test.each([
  ["initialLimit", 0],
  ["initialLimit", Number.NaN],
  ["minLimit", 0],
  ["maxLimit", 0],
  ["maxLimit", Number.NaN],
  ["tolerance", 0],
  ["maxLoopDelayMs", 0],
  ["maxWaiting", Number.NaN],
  ["maxWaiting", -1],
  ["maxWaitMs", Number.POSITIVE_INFINITY],
  ["maxWaitMs", 2 ** 31],
  ["pushbackMs", -5],
])("%s of %d cannot be", (name, value) => {
  expect(() => concurrencyLimit({ [name]: value })).toThrow(`${name} is ${value}: give a`);
});

test("the least limit is none above the most", () => {
  expect(() => concurrencyLimit({ minLimit: 50, maxLimit: 10 })).toThrow("minLimit 50 is above maxLimit 10");
  expect(concurrencyLimit({ maxLimit: 1 }).stats().limit).toBe(1);
  const { limit: most } = concurrencyLimit({ maxLimit: Number.POSITIVE_INFINITY, maxWaitMs: 0.5 }).stats();
  expect(most).toBe(20);
});
