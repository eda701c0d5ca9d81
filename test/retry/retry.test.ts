import { beforeEach, describe, expect, test, vi } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import type { Call, Reply } from "../../src/core/call.ts";
import { Cancellation } from "../../src/core/cancellation.ts";
import { Code } from "../../src/core/code.ts";
import { runInCall } from "../../src/core/context.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { policies } from "../../src/core/policies.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import { type RetryBudget, retryBudget } from "../../src/retry/budget.ts";
import { type RetryOptions, retry } from "../../src/retry/retry.ts";
import { type VirtualClock, virtualClock } from "../simulator/virtual-clock.ts";
import { callOf, collect, failure, pushback, reply, safe, script, unsafe } from "./script.ts";

let clock: VirtualClock;

beforeEach(() => {
  clock = virtualClock();
});

const plenty: RetryBudget = { deposit() {}, withdraw: () => true, balance: 1_000 };

function retrying(handler: (call: Call) => Promise<Reply>, options: RetryOptions = {}) {
  return retry({ clock, random: () => 0.5, budget: plenty, ...options })(handler);
}

/** Lets the clock run until the call is over. */
async function outcome(call: Promise<Reply>): Promise<Reply | RpcError> {
  let over = false;
  const end = call.then(
    (value) => {
      over = true;
      return value;
    },
    (error: RpcError) => {
      over = true;
      return error;
    },
  );
  for (let i = 0; i < 1_000 && !over; i++) await clock.advance(10);
  return end;
}

const unavailable = failure("UNAVAILABLE");
const untouched = failure("UNAVAILABLE", { unprocessed: true });

describe("a method that is declared safe", () => {
  test("is sent again at once when its connection broke, the first time whatever the budget", async () => {
    const broken = failure("UNAVAILABLE", { disconnected: true });
    const budget: RetryBudget = { deposit() {}, withdraw: () => false, balance: 0 };
    const { handler, calls } = script(broken, reply);
    expect(await retrying(handler, { budget })(callOf(safe))).toBe(reply);
    expect(calls.map(({ attempt }) => attempt)).toEqual([1, 2]);

    const always = script(broken);
    expect(await outcome(retrying(always.handler, { budget })(callOf(safe)))).toMatchObject({ code: Code.UNAVAILABLE });
    expect(always.calls).toHaveLength(2);
    const other = script(broken);
    expect(await outcome(retrying(other.handler, { budget })(callOf(unsafe)))).toMatchObject({
      code: Code.UNAVAILABLE,
    });
    expect(other.calls).toHaveLength(1);
  });

  test("is sent again when it fails with a code of its policy, elsewhere and marked as a retry", async () => {
    const { handler, calls } = script(unavailable, failure("UNAVAILABLE", { peer: "10.0.0.2:50051" }), reply);
    const metadata = Metadata.from({ "x-trace": "1" });
    expect(await outcome(retrying(handler)(callOf(safe, { metadata })))).toBe(reply);
    expect(calls.map((call) => [call.attempt, call.avoid, call.metadata.get("grpc-previous-rpc-attempts")])).toEqual([
      [1, undefined, undefined],
      [2, "10.0.0.1:50051", "1"],
      [3, "10.0.0.2:50051", "2"],
    ]);
    expect(calls.map((call) => call.metadata.get("x-trace"))).toEqual(["1", "1", "1"]);
  });

  test("fails with the last error after three attempts", async () => {
    const last = failure("UNAVAILABLE");
    const { handler, calls } = script(unavailable, unavailable, last);
    expect(await outcome(retrying(handler)(callOf(safe)))).toBe(last);
    expect(calls).toHaveLength(3);
  });

  test("is never attempted more than five times, whatever is asked for", async () => {
    const { handler, calls } = script(unavailable);
    await outcome(retrying(handler)(callOf(safe, { policy: { retry: { maxAttempts: 50 } } })));
    expect(calls).toHaveLength(5);
  });

  test("is not sent again for another code", async () => {
    const { handler, calls } = script(failure("INTERNAL"));
    expect(await outcome(retrying(handler)(callOf(safe)))).toMatchObject({ code: Code.INTERNAL });
    expect(calls).toHaveLength(1);
  });

  test("waits as its policy says: exponentially, up to the maximum", async () => {
    const sentAtMs: number[] = [];
    const handler = () => {
      sentAtMs.push(clock.now());
      return Promise.reject(unavailable);
    };
    const policy = { retry: { maxAttempts: 5, initialBackoffMs: 100, backoffMultiplier: 3, maxBackoffMs: 400 } };
    await outcome(retrying(handler)(callOf(safe, { policy })));
    expect(sentAtMs).toEqual([0, 100, 400, 800, 1_200]);
  });

  test("spreads its waits over four fifths to six fifths", async () => {
    for (const [random, waitMs] of [
      [0, 80],
      [1, 120],
    ] as const) {
      const start = clock.now();
      let second = 0;
      const { handler } = script(unavailable, async () => {
        second = clock.now();
        return reply;
      });
      const call = callOf(safe, { policy: { retry: { initialBackoffMs: 100 } } });
      await outcome(retrying(handler, { random: () => random })(call));
      expect(second - start).toBeCloseTo(waitMs);
    }
  });

  test("waits as long as the server asks it to, and starts the backoff anew", async () => {
    const sentAtMs: number[] = [];
    const steps = [unavailable, failure("UNAVAILABLE", pushback("700")), unavailable, reply];
    const handler = async () => {
      sentAtMs.push(clock.now());
      const step = steps[sentAtMs.length - 1] as Reply | RpcError;
      if (RpcError.is(step)) throw step;
      return step;
    };
    const call = callOf(safe, { policy: { retry: { maxAttempts: 5, initialBackoffMs: 100 } } });
    expect(await outcome(retrying(handler)(call))).toBe(reply);
    expect(sentAtMs).toEqual([0, 100, 800, 900]);
  });

  test.each(["-1", "soon", "", "1.5", "99999999999"])(
    "is not sent again when the server's pushback is %j",
    async (value) => {
      const { handler, calls } = script(failure("UNAVAILABLE", pushback(value)));
      await outcome(retrying(handler)(callOf(safe)));
      expect(calls).toHaveLength(1);
    },
  );

  test("fails at once, with the last error, when the wait would outlast the deadline", async () => {
    const { handler, calls } = script(unavailable);
    const failed = retrying(handler)(callOf(safe, { deadline: 40 }));
    await expect(failed).rejects.toBe(unavailable);
    expect([calls.length, clock.now()]).toEqual([1, 0]);
  });

  test("stops waiting when it is cancelled", async () => {
    const { handler, calls } = script(unavailable);
    const controller = new AbortController();
    const failed = retrying(handler)(callOf(safe, { cancellation: controller.signal })).catch((error) => error);
    await clock.advance(10);
    controller.abort();
    expect(await failed).toMatchObject({ code: Code.CANCELLED });
    await clock.advance(1_000);
    expect(calls).toHaveLength(1);
  });

  test("fails as its cancellation says, when the call that it was made for has missed its deadline", async () => {
    const { handler } = script(unavailable);
    const cancellation = new Cancellation();
    const failed = retrying(handler)(callOf(safe, { cancellation })).catch((error) => error);
    await clock.advance(10);
    cancellation.cancel(new RpcError(Code.DEADLINE_EXCEEDED, "too late"));
    expect(await failed).toMatchObject({ code: Code.DEADLINE_EXCEEDED, message: "too late" });
  });

  test("is not sent again once it has been cancelled", async () => {
    const controller = new AbortController();
    const { handler, calls } = script(async () => {
      controller.abort();
      throw unavailable;
    });
    await outcome(retrying(handler)(callOf(safe, { cancellation: controller.signal })));
    expect(calls).toHaveLength(1);
  });

  test("is sent once where its retry is off", async () => {
    const { handler, calls } = script(unavailable);
    await outcome(retrying(handler)(callOf(safe, { policy: { retry: false } })));
    expect(calls).toHaveLength(1);
  });

  test("is the caller's once its reply stream has opened", async () => {
    async function* broken() {
      yield {};
      throw unavailable;
    }
    const opened: Reply = { ...reply, response: broken() };
    const { handler, calls } = script(opened);
    const got = (await outcome(retrying(handler)(callOf(Probe.methods.expand)))) as Reply;
    await expect(collect(got.response as AsyncIterable<unknown>)).rejects.toBe(unavailable);
    expect(calls).toHaveLength(1);
  });
});

describe("a method that is declared nothing", () => {
  test("is not sent again", async () => {
    const { handler, calls } = script(unavailable);
    expect(await outcome(retrying(handler)(callOf(unsafe)))).toBe(unavailable);
    expect(calls).toHaveLength(1);
  });

  test("is sent again at once, and not marked as a retry, when no server took it up", async () => {
    const { handler, calls } = script(untouched, reply);
    expect(await retrying(handler)(callOf(unsafe))).toBe(reply);
    expect(clock.now()).toBe(0);
    expect(calls.map((call) => [call.attempt, call.avoid, call.metadata.size])).toEqual([
      [1, undefined, 0],
      [2, "10.0.0.1:50051", 0],
    ]);
  });

  test("is sent again after a wait, and a bounded number of times, when no server takes it up for long", async () => {
    const { handler, calls } = script(untouched);
    expect(await outcome(retrying(handler)(callOf(unsafe)))).toBe(untouched);
    expect(calls).toHaveLength(4);
  });

  test("is not sent again after a server may have begun", async () => {
    const { handler, calls } = script(untouched, unavailable, reply);
    expect(await outcome(retrying(handler)(callOf(unsafe)))).toBe(unavailable);
    expect(calls).toHaveLength(2);
  });

  test("is refused with its name when it is asked to be retried or hedged", async () => {
    const { handler, calls } = script(reply);
    for (const policy of [{ retry: { maxAttempts: 3 } }, { hedge: { delayMs: 10 } }]) {
      const failed = await retrying(handler)(callOf(unsafe, { policy })).catch((error) => error);
      expect(failed).toMatchObject({ code: Code.INVALID_ARGUMENT });
      expect(failed.message).toContain("greeter.v1.Greeter/SayHelloAgain asks for");
    }
    expect(calls).toHaveLength(0);
  });
});

test("a call for which no peer was picked is not sent again: the balancer has waited already", async () => {
  const { handler, calls } = script(new RpcError(Code.UNAVAILABLE, "nobody is there", { unprocessed: true }));
  await outcome(retrying(handler)(callOf(safe)));
  expect(calls).toHaveLength(1);
});

test("something thrown that is no RpcError becomes one", async () => {
  const failed = retrying(() => Promise.reject(new Error("a bug")))(callOf(safe));
  await expect(failed).rejects.toMatchObject({ code: Code.UNKNOWN, message: "a bug" });
});

describe("the budget", () => {
  test("ends retries when it is spent, and each success pays in", async () => {
    const budget = retryBudget({ clock, ratio: 0.5, floorPerSecond: 0 });
    const failing = script(unavailable);
    const fails = retrying(failing.handler, { budget });
    await outcome(fails(callOf(safe)));
    expect(failing.calls).toHaveLength(1);
    const succeeds = retrying(script(reply).handler, { budget });
    for (let i = 0; i < 4; i++) await succeeds(callOf(safe));
    await outcome(fails(callOf(safe)));
    expect(failing.calls.length).toBeGreaterThan(2);
  });

  test("is not drawn on by the first resend of a call that no server took up", async () => {
    const budget = retryBudget({ clock, ratio: 0, floorPerSecond: 0 });
    const { handler, calls } = script(untouched);
    await outcome(retrying(handler, { budget })(callOf(unsafe)));
    expect(calls).toHaveLength(2);
  });
});

describe("request streams", () => {
  const chat = Greeter.methods.chat;
  async function* names() {
    yield { name: "a" };
    yield { name: "b" };
  }

  test("are sent again when no server took the call up and nothing was read", async () => {
    const { handler } = script(untouched, async (call) => ({
      ...reply,
      response: await collect(call.request as AsyncIterable<unknown>),
    }));
    const got = await retrying(handler)(callOf(chat, { request: names() }));
    expect(got.response).toEqual([{ name: "a" }, { name: "b" }]);
  });

  test("stay whole when an attempt leaves them unread, and are the next attempt's alone", async () => {
    let abandoned: AsyncIterator<unknown> | undefined;
    const { handler } = script(
      async (call) => {
        abandoned = (call.request as AsyncIterable<unknown>)[Symbol.asyncIterator]();
        await abandoned.return?.();
        throw untouched;
      },
      async (call) => {
        expect(await abandoned?.next()).toEqual({ done: true, value: undefined });
        return { ...reply, response: await collect(call.request as AsyncIterable<unknown>) };
      },
    );
    const got = await retrying(handler)(callOf(chat, { request: names() }));
    expect(got.response).toHaveLength(2);
  });

  test("are not sent again once something was read", async () => {
    const { handler, calls } = script(async (call) => {
      await (call.request as AsyncIterable<unknown>)[Symbol.asyncIterator]().next();
      throw untouched;
    });
    expect(await outcome(retrying(handler)(callOf(chat, { request: names() })))).toBe(untouched);
    expect(calls).toHaveLength(1);
  });

  test("are ended when the call fails before anything was read", async () => {
    let ended = false;
    const request = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: true, value: undefined }),
        return: async () => {
          ended = true;
          return { done: true, value: undefined };
        },
      }),
    };
    await outcome(retrying(script(failure("INTERNAL")).handler)(callOf(chat, { request })));
    expect(ended).toBe(true);
  });
});

test("an attempt that no server took up is not replaced where the server asks for none", async () => {
  const { handler, calls } = script(failure("UNAVAILABLE", { unprocessed: true, ...pushback("-1") }));
  await outcome(retrying(handler)(callOf(safe)));
  expect(calls).toHaveLength(1);
});

test("what failed on this side is not sent again, whatever its code", async () => {
  for (const error of [failure("UNAVAILABLE", { local: true }), new Error("a bug")]) {
    const handler = vi.fn(() => Promise.reject(error));
    const policy = { retry: { retryableCodes: ["UNAVAILABLE", "UNKNOWN"] } } as const;
    expect(await outcome(retrying(handler)(callOf(safe, { policy })))).toMatchObject({ local: true });
    expect(handler).toHaveBeenCalledTimes(1);
  }
});

describe("a chain of services", () => {
  test("retries on one level: a call made while answering a retry is not retried", async () => {
    const { handler, calls } = script(unavailable);
    const incoming = callOf(safe, { metadata: Metadata.fromFlat(["grpc-previous-rpc-attempts", "1"]) });
    await runInCall(incoming, () => outcome(retrying(handler)(callOf(safe))));
    expect(calls).toHaveLength(1);
  });

  test("tells the level above that this one has tried enough", async () => {
    const failed = await runInCall(callOf(safe), () => outcome(retrying(script(unavailable).handler)(callOf(safe))));
    expect(failed).toMatchObject({ code: Code.UNAVAILABLE, peer: "10.0.0.1:50051", final: true });
  });

  test("tells the level above so too when the budget is spent, but not of an error that it would never retry", async () => {
    const budget = retryBudget({ clock, ratio: 0, floorPerSecond: 0 });
    const failed = (error: RpcError) =>
      runInCall(callOf(safe), () =>
        outcome(retrying(script(error).handler, { budget })(callOf(safe))),
      ) as Promise<RpcError>;
    expect((await failed(unavailable)).final).toBe(true);
    expect((await failed(failure("NOT_FOUND"))).final).toBe(false);
  });

  test("adds up to no more attempts than one level makes", async () => {
    const bottom = script(unavailable);
    const middle = retrying(bottom.handler);
    const top = retrying((call) => runInCall(call, () => middle(callOf(safe))));
    await outcome(top(callOf(safe)));
    expect(bottom.calls).toHaveLength(3);
  });
});

test("each failed attempt is logged at debug, with what is done about it", async () => {
  const lines: unknown[] = [];
  const nothing = () => {};
  const logger = { debug: (fields: object) => lines.push(fields), info: nothing, warn: nothing, error: nothing };
  await outcome(
    retrying(script(unavailable).handler, { logger })(callOf(safe, { policy: { retry: { maxAttempts: 2 } } })),
  );
  const line = { method: "/probe.v1.Probe/Echo", peer: "10.0.0.1:50051", code: "UNAVAILABLE" };
  expect(lines).toEqual([
    { ...line, attempt: 1, againInMs: 50 },
    { ...line, attempt: 2, againInMs: undefined },
  ]);
});

test("the channel's policy is used where the call brings none", async () => {
  const { handler, calls } = script(unavailable);
  const policyOf = policies({ retry: { maxAttempts: 2 } });
  await outcome(retrying(handler, { policyOf })(callOf(safe)));
  expect(calls).toHaveLength(2);
});
