import { once } from "node:events";
import { Code, detached, RpcError } from "trunkline";
import { expect, test } from "vitest";
import { greeterPair } from "../support/greeter.ts";

test("a call made inside a handler inherits what is left of the deadline", async () => {
  let left = Number.POSITIVE_INFINITY;
  await using behind = await greeterPair({
    implementation: {
      sayHello(_request, { remainingMs }) {
        left = remainingMs;
        return {};
      },
    },
  });
  await using front = await greeterPair({
    implementation: { sayHello: (request) => behind.greeter.sayHello(request) },
  });
  await front.greeter.sayHello({}, { timeoutMs: 2_000 });
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(2_001);
});

test("a call made inside a handler keeps its own deadline where that is nearer", async () => {
  await using behind = await greeterPair({
    implementation: {
      async sayHello(_request, { signal }) {
        await once(signal, "abort");
        return {};
      },
    },
  });
  await using front = await greeterPair({
    implementation: { sayHello: (request) => behind.greeter.sayHello(request, { timeoutMs: 30 }) },
  });
  const error = RpcError.from(await front.greeter.sayHello({}, { timeoutMs: 10_000 }).catch((error) => error));
  expect(error.code).toBe(Code.DEADLINE_EXCEEDED);
});

test("a cancellation travels through every server on the way, streams included", async () => {
  const reasons: Promise<unknown>[] = [];
  const heard = ({ signal }: { signal: AbortSignal }): Promise<unknown> => {
    const reason = once(signal, "abort").then(() => signal.reason);
    reasons.push(reason);
    return reason;
  };
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  await using behind = await greeterPair({
    implementation: {
      async *chat(_hellos, context) {
        yield { message: "one" };
        arrive();
        await heard(context);
      },
    },
  });
  await using front = await greeterPair({
    implementation: {
      async *chat(hellos, context) {
        void heard(context);
        yield* behind.greeter.chat(hellos);
      },
    },
  });
  const leaving = new AbortController();
  const reading = (async () => {
    for await (const _ of front.greeter.chat([], { signal: leaving.signal }));
  })().catch((error) => error);
  await arrived;
  leaving.abort();
  expect(await reading).toMatchObject({ code: Code.CANCELLED });
  expect(reasons).toHaveLength(2);
  for (const reason of reasons) expect(await reason).toMatchObject({ code: Code.CANCELLED });
});

test("work that is detached outlives the call it came from", async () => {
  await using behind = await greeterPair();
  const { promise: later, resolve } = Promise.withResolvers<string>();
  const leaving = new AbortController();
  await using front = await greeterPair({
    implementation: {
      sayHello(request, { signal }) {
        leaving.abort();
        detached(async () => {
          await once(signal, "abort");
          resolve((await behind.greeter.sayHello(request)).message);
        });
        return new Promise(() => {});
      },
    },
  });
  await front.greeter.sayHello({ name: "Ada" }, { signal: leaving.signal }).catch(() => {});
  expect(await later).toBe("Hello Ada");
});
