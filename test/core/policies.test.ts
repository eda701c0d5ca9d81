import { describe, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { DEFAULT_POLICY, policies } from "../../src/core/policies.ts";
import type { MethodPolicy } from "../../src/core/policy.ts";

const { echo, expand, collect } = Probe.methods;
const { sayHelloAgain, chat } = Greeter.methods;

describe("without options", () => {
  const policyOf = policies();

  test("a unary call has a deadline, a stream has none", () => {
    expect([echo, sayHelloAgain, expand, collect, chat].map((method) => policyOf(method).timeoutMs)).toEqual([
      10_000, 10_000, 0, 0, 0,
    ]);
  });

  test("a method that is declared safe is retried, any other is not, and none is hedged", () => {
    expect(policyOf(echo).retry).toEqual(DEFAULT_POLICY.retry);
    expect(policyOf(sayHelloAgain).retry).toBeUndefined();
    expect(policyOf(echo).hedge).toBeUndefined();
  });

  test("a method's policy is worked out once", () => {
    expect(policyOf(echo)).toBe(policyOf(echo));
  });
});

test("what is said nearest to the call wins, field by field", () => {
  const method = { ...echo, policy: { timeoutMs: 1, maxRequestBytes: 1, retry: { maxBackoffMs: 1, maxAttempts: 2 } } };
  const contract = policies()(method);
  expect(contract).toMatchObject({ timeoutMs: 1, maxRequestBytes: 1, retry: { maxBackoffMs: 1, maxAttempts: 2 } });
  const layers: MethodPolicy[] = [{ timeoutMs: 2, retry: { maxAttempts: 3 } }, { timeoutMs: 3 }, { timeoutMs: 4 }];
  const [channel, service, exact] = layers;
  const policyOf = policies({
    ...channel,
    methods: { "probe.v1.Probe": service ?? {}, "probe.v1.Probe/Echo": exact ?? {} },
  });
  expect(policyOf(method)).toMatchObject({
    timeoutMs: 4,
    maxRequestBytes: 1,
    retry: { maxBackoffMs: 1, maxAttempts: 3 },
  });
  expect(policyOf(expand).timeoutMs).toBe(3);
  expect(policyOf(sayHelloAgain).timeoutMs).toBe(2);
  expect(policyOf(method, { timeoutMs: 5 })).toMatchObject({ timeoutMs: 5, retry: { maxAttempts: 3 } });
});

test("false turns off what is said further away, and an object turns it on again", () => {
  const policyOf = policies({ retry: false });
  expect(policyOf(echo).retry).toBeUndefined();
  expect(policyOf(echo, { retry: { maxAttempts: 2 } }).retry?.maxAttempts).toBe(2);
});

test("what a channel asks for all of its methods holds only for those that it can hold for", () => {
  const policyOf = policies({ retry: { maxAttempts: 4 }, hedge: { delayMs: 20 } });
  expect(policyOf(sayHelloAgain)).toMatchObject({ retry: undefined, hedge: undefined });
  expect(policyOf({ ...collect, idempotency: "IDEMPOTENT" })).toMatchObject({
    retry: { maxAttempts: 4 },
    hedge: undefined,
  });
  expect(policyOf(echo).hedge).toEqual({ delayMs: 20, maxAttempts: 2 });
});

test.each(["retry", "hedge"] as const)("to ask for %s of one method that may not be sent twice is an error", (key) => {
  const policy = { [key]: { maxAttempts: 2 } };
  const message = `greeter.v1.Greeter/SayHelloAgain asks for ${key}, but is not declared safe to send twice`;
  expect(() => policies()(sayHelloAgain, policy)).toThrow(message);
  expect(() => policies({ methods: { "greeter.v1.Greeter/SayHelloAgain": policy } })(sayHelloAgain)).toThrow(message);
  expect(() => policies()({ ...sayHelloAgain, policy })).toThrow(message);
  expect(policies()(sayHelloAgain, { [key]: { maxAttempts: 1 } })[key]).toBeUndefined();
});

test.each([
  [{ timeoutMs: -1 }, "timeoutMs -1"],
  [{ timeoutMs: Number.NaN }, "timeoutMs NaN"],
  [{ retry: { maxAttempts: 0 } }, "retry.maxAttempts 0"],
  [{ retry: { maxAttempts: Number.NaN } }, "retry.maxAttempts NaN"],
  [{ retry: { initialBackoffMs: -5 } }, "retry.initialBackoffMs -5"],
  [{ hedge: { delayMs: -5 } }, "hedge.delayMs -5"],
])("a number that makes no sense is named: %j", (policy, named) => {
  expect(() => policies()(echo, policy)).toThrow(`probe.v1.Probe/Echo has the policy ${named}`);
});
