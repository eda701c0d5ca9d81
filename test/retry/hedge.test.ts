import { beforeEach, describe, expect, test } from "vitest";
import type { Call, CallInit, Handler, Reply } from "../../src/core/call.ts";
import { Code } from "../../src/core/code.ts";
import { runInCall } from "../../src/core/context.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import { trailKey } from "../../src/core/trail.ts";
import { retryBudget } from "../../src/retry/budget.ts";
import { retry } from "../../src/retry/retry.ts";
import { type VirtualClock, virtualClock } from "../simulator/virtual-clock.ts";
import { callOf, failure, pushback, reply, safe } from "./script.ts";

interface Attempt {
  readonly call: Call;
  readonly sentAtMs: number;
  answer(reply: Reply): void;
  fail(error: RpcError): void;
}

let clock: VirtualClock;
let attempts: Attempt[];

beforeEach(() => {
  clock = virtualClock();
  attempts = [];
});

/** Answers nothing until a test does, but fails when it is cancelled, as a transport would. */
const server: Handler = (call) =>
  new Promise((resolve, reject) => {
    const trail = call.get(trailKey);
    if (trail !== undefined) trail.address = `10.0.0.${call.attempt}:50051`;
    attempts.push({ call, sentAtMs: clock.now(), answer: resolve, fail: reject });
    call.signal?.addEventListener("abort", () => reject(RpcError.from(call.signal?.reason, Code.CANCELLED)));
  });

function hedged(init: Partial<CallInit> = {}, budget = retryBudget({ clock })): Promise<Reply | RpcError> {
  return hedgedOver(server, init, budget);
}

function hedgedOver(
  next: Handler,
  init: Partial<CallInit> = {},
  budget = retryBudget({ clock }),
): Promise<Reply | RpcError> {
  const policy = { hedge: { delayMs: 100, maxAttempts: 3 } };
  const handle = retry({ clock, budget })(next);
  return handle(callOf(safe, { policy, ...init })).catch((error) => error);
}

function sentAtMs(): number[] {
  return attempts.map((attempt) => attempt.sentAtMs);
}

test("an attempt follows each time the delay has passed, up to their number", async () => {
  void hedged();
  await clock.advance(1_000);
  expect(sentAtMs()).toEqual([0, 100, 200]);
  expect(attempts.map(({ call }) => [call.attempt, call.metadata.get("grpc-previous-rpc-attempts")])).toEqual([
    [1, undefined],
    [2, "1"],
    [3, "2"],
  ]);
});

test("an attempt avoids the peer that the one before it is still waiting for", async () => {
  void hedged();
  await clock.advance(1_000);
  expect(attempts.map(({ call }) => call.avoid)).toEqual([undefined, "10.0.0.1:50051", "10.0.0.2:50051"]);
});

test("an answer before the delay sends nothing else", async () => {
  const call = hedged();
  await clock.advance(99);
  attempts[0]?.answer(reply);
  expect(await call).toBe(reply);
  await clock.advance(1_000);
  expect(attempts).toHaveLength(1);
});

test("the first answer wins, the others are cancelled, and the winner is not", async () => {
  const call = hedged();
  await clock.advance(250);
  attempts[1]?.answer(reply);
  expect(await call).toBe(reply);
  expect(attempts.map((attempt) => attempt.call.signal?.aborted)).toEqual([true, false, true]);
  expect(attempts[0]?.call.signal?.reason).toMatchObject({ code: Code.CANCELLED });
});

test("the caller's cancellation reaches the winner too, whose stream may still be open", async () => {
  const controller = new AbortController();
  const call = hedged({ cancellation: controller.signal });
  attempts[0]?.answer(reply);
  await call;
  controller.abort();
  expect(attempts[0]?.call.signal?.aborted).toBe(true);
});

test("the caller's cancellation ends every attempt, and the wait for one", async () => {
  const controller = new AbortController();
  const call = hedged({ cancellation: controller.signal });
  await clock.advance(150);
  controller.abort();
  expect(await call).toMatchObject({ code: Code.CANCELLED });
  await clock.advance(1_000);
  expect(attempts.map((attempt) => attempt.call.signal?.aborted)).toEqual([true, true]);
});

describe("an attempt that fails", () => {
  test("is followed at once by the next, when its code is worth it", async () => {
    const call = hedged();
    await clock.advance(20);
    attempts[0]?.fail(failure("UNAVAILABLE"));
    await clock.advance(30);
    expect(sentAtMs()).toEqual([0, 20]);
    attempts[1]?.answer(reply);
    expect(await call).toBe(reply);
  });

  test("does not end the call while another is under way", async () => {
    const call = hedged();
    await clock.advance(250);
    for (const attempt of attempts.slice(0, 2)) attempt.fail(failure("UNAVAILABLE"));
    await clock.advance(10);
    attempts[2]?.answer(reply);
    expect(await call).toBe(reply);
  });

  test("ends the call and cancels the others, when its code is worth no other", async () => {
    const call = hedged();
    await clock.advance(150);
    attempts[1]?.fail(failure("NOT_FOUND"));
    expect(await call).toMatchObject({ code: Code.NOT_FOUND });
    expect(attempts[0]?.call.signal?.aborted).toBe(true);
  });

  test("ends the call as the last of them", async () => {
    const call = hedged();
    for (let i = 0; i < 3; i++) {
      attempts[i]?.fail(failure("UNAVAILABLE"));
      await clock.advance(0);
    }
    expect(await call).toMatchObject({ code: Code.UNAVAILABLE });
    expect(attempts).toHaveLength(3);
  });

  test("delays the next one as the server asks", async () => {
    void hedged();
    await clock.advance(20);
    attempts[0]?.fail(failure("UNAVAILABLE", pushback("500")));
    await clock.advance(2_000);
    expect(sentAtMs()).toEqual([0, 520, 620]);
  });

  test("may be cancelled while the server's delay is waited for", async () => {
    const controller = new AbortController();
    const call = hedged({ cancellation: controller.signal });
    attempts[0]?.fail(failure("UNAVAILABLE", pushback("500")));
    await clock.advance(20);
    controller.abort();
    expect(await call).toMatchObject({ code: Code.CANCELLED });
    await clock.advance(2_000);
    expect(attempts).toHaveLength(1);
  });

  test("is the last one when the server asks for none, and those under way may still answer", async () => {
    const call = hedged();
    await clock.advance(150);
    attempts[0]?.fail(failure("UNAVAILABLE", pushback("-1")));
    await clock.advance(1_000);
    expect(attempts).toHaveLength(2);
    attempts[1]?.answer(reply);
    expect(await call).toBe(reply);
  });
});

describe("an attempt that fails on this side", () => {
  test("ends the call, at once or later, and no other is sent", async () => {
    for (const thrower of [
      () => {
        throw new Error("mine");
      },
      () => Promise.reject(new Error("mine")),
    ]) {
      let sent = 0;
      const handle = retry({ clock, budget: retryBudget({ clock }) })(() => {
        sent++;
        return thrower();
      });
      const policy = { hedge: { delayMs: 100, maxAttempts: 3 }, retry: { retryableCodes: ["UNKNOWN"] } } as const;
      const failed = await handle(callOf(safe, { policy })).catch((error) => error);
      expect(failed).toMatchObject({ code: Code.UNKNOWN, message: "mine", local: true });
      await clock.advance(1_000);
      expect(sent).toBe(1);
    }
  });

  test.each([
    [
      "at once",
      () => {
        throw new Error("mine");
      },
    ],
    ["later", () => Promise.reject(new Error("mine"))],
  ])("as a later one, %s, ends nothing while another is under way, and is the last", async (_how, thrower) => {
    const call = hedgedOver((call) => (call.attempt === 2 ? thrower() : server(call)));
    await clock.advance(1_000);
    expect(sentAtMs()).toEqual([0]);
    attempts[0]?.answer(reply);
    expect(await call).toBe(reply);
  });

  test("as a later one, leaves the end to the others' failure", async () => {
    const call = hedgedOver((call) => (call.attempt === 2 ? Promise.reject(new Error("mine")) : server(call)));
    await clock.advance(150);
    attempts[0]?.fail(failure("UNAVAILABLE"));
    expect(await call).toMatchObject({ code: Code.UNAVAILABLE, local: false });
  });
});

test("a later attempt that finds no server ends nothing while another is under way", async () => {
  const nobody = failure("UNAVAILABLE", { unprocessed: true, peer: undefined as never });
  const call = hedgedOver((call) => (call.attempt === 2 ? Promise.reject(nobody) : server(call)));
  await clock.advance(1_000);
  expect(sentAtMs()).toEqual([0, 200]);
  attempts[0]?.answer(reply);
  expect(await call).toBe(reply);
});

test("an attempt that no server took up, with the word to make no other, is not replaced", async () => {
  const call = hedged();
  attempts[0]?.fail(failure("UNAVAILABLE", { unprocessed: true, ...pushback("-1") }));
  expect(await call).toMatchObject({ code: Code.UNAVAILABLE, final: true });
  await clock.advance(1_000);
  expect(attempts).toHaveLength(1);
});

test("a call that was cancelled before sends nothing", async () => {
  expect(await hedged({ cancellation: AbortSignal.abort() })).toMatchObject({ code: Code.CANCELLED });
  await clock.advance(1_000);
  expect(attempts).toHaveLength(0);
});

describe("the budget", () => {
  const spent = () => retryBudget({ clock, ratio: 0, floorPerSecond: 0 });

  test("that is spent leaves one attempt", async () => {
    const call = hedged({}, spent());
    await clock.advance(1_000);
    expect(attempts).toHaveLength(1);
    attempts[0]?.fail(failure("UNAVAILABLE"));
    expect(await call).toMatchObject({ code: Code.UNAVAILABLE });
  });

  test("that is spent ends a call that waits for its next attempt", async () => {
    const call = hedged({}, spent());
    attempts[0]?.fail(failure("UNAVAILABLE", pushback("50")));
    await clock.advance(1_000);
    expect(await call).toMatchObject({ code: Code.UNAVAILABLE });
  });

  test("is not asked when no server took the first attempt up", async () => {
    void hedged({}, spent());
    attempts[0]?.fail(failure("UNAVAILABLE", { unprocessed: true }));
    await clock.advance(0);
    expect(attempts).toHaveLength(2);
  });
});

test("nothing is sent past the deadline", async () => {
  void hedged({ deadline: 150 });
  await clock.advance(1_000);
  expect(sentAtMs()).toEqual([0, 100]);
});

test("a call made while answering a retry is not hedged", async () => {
  const incoming = callOf(safe, { metadata: Metadata.fromFlat(["grpc-previous-rpc-attempts", "1"]) });
  runInCall(incoming, () => void hedged());
  await clock.advance(1_000);
  expect(attempts).toHaveLength(1);
});
