import { Code, type Interceptor, RpcError } from "trunkline";
import { expect, test } from "vitest";
import { greeterPair } from "../support/greeter.ts";

test("the order of the stack: interceptors, retry, attempt interceptors, then one peer", async () => {
  const seen: string[] = [];
  const spy =
    (name: string): Interceptor =>
    (next) =>
    async (call) => {
      seen.push(`${name} > ${call.attempt}`);
      try {
        return await next(call);
      } catch (error) {
        seen.push(`${name} ! ${(error as RpcError).peer === pair.address ? "with a peer" : "no peer"}`);
        throw error;
      } finally {
        seen.push(`${name} <`);
      }
    };
  let failures = 1;
  await using pair = await greeterPair({
    implementation: {
      sayHello() {
        if (failures-- > 0) throw new RpcError(Code.UNAVAILABLE, "not now");
        return {};
      },
    },
    channel: {
      interceptors: [spy("outer"), spy("inner")],
      attemptInterceptors: [spy("attempt")],
      policy: { retry: { maxAttempts: 2, initialBackoffMs: 1, maxBackoffMs: 1 } },
    },
  });
  await pair.greeter.sayHello({});
  expect(seen).toEqual([
    "outer > 1",
    "inner > 1",
    "attempt > 1",
    "attempt ! with a peer",
    "attempt <",
    "attempt > 2",
    "attempt <",
    "inner <",
    "outer <",
  ]);
});

test("what an attempt changes, the next does not inherit", async () => {
  const sent: (string | undefined)[] = [];
  const marked: Interceptor = (next) => (call) =>
    next(call.with({ metadata: call.metadata.append({ mark: `${call.attempt}` }) }));
  await using pair = await greeterPair({
    implementation: {
      sayHello(_request, { metadata }) {
        sent.push(metadata.getAll("mark").join());
        throw new RpcError(Code.UNAVAILABLE, "not now");
      },
    },
    channel: {
      attemptInterceptors: [marked],
      policy: { retry: { maxAttempts: 3, initialBackoffMs: 1, maxBackoffMs: 1 } },
    },
  });
  await pair.greeter.sayHello({}).catch(() => {});
  expect(sent).toEqual(["1", "2", "3"]);
});
