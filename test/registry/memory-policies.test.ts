import { expect, test } from "vitest";
import { memoryPolicies } from "../../src/registry/memory-policies.ts";
import { policiesContract } from "../contract/policies.ts";
import { createLog } from "../support/log.ts";

const shared = memoryPolicies();
policiesContract("in memory", () => shared);

test("each change is logged, by whom and what", async () => {
  const log = createLog();
  const it = memoryPolicies({ logger: log });
  await it.set("a.v1.A", { policy: { timeoutMs: 500, retry: { maxAttempts: 2 } }, by: "alice" });
  await it.set("a.v1.A", { policy: { timeoutMs: 200, methods: { B: { hedge: false } } }, by: "bob", note: "slow" });
  expect(log.lines.map(({ message, fields: { at, ...fields } }) => [message, fields])).toEqual([
    [
      "a policy was set: new calls follow it",
      {
        service: "a.v1.A",
        revision: 1,
        by: "alice",
        changed: { timeoutMs: "- -> 500", "retry.maxAttempts": "- -> 2" },
      },
    ],
    [
      "a policy was set: new calls follow it",
      {
        service: "a.v1.A",
        revision: 2,
        by: "bob",
        note: "slow",
        changed: { "methods.B.hedge": "- -> false", "retry.maxAttempts": "2 -> -", timeoutMs: "500 -> 200" },
      },
    ],
  ]);
});

test("what a listener sets as it is told is the last that the others hear, and one that it takes away hears nothing", async () => {
  const store = memoryPolicies();
  const timeouts: unknown[] = [];
  const taken: unknown[] = [];
  let stop = (): void => {};
  store.watch(({ policies }) => {
    if (policies.get("a.v1.A")?.policy.timeoutMs !== 1) return;
    stop();
    void store.set("a.v1.A", { policy: { timeoutMs: 2 }, by: "alice@ops" });
  });
  store.watch(({ policies }) => timeouts.push(policies.get("a.v1.A")?.policy.timeoutMs));
  stop = store.watch(({ policies }) => taken.push(policies.get("a.v1.A")?.policy.timeoutMs));
  await store.set("a.v1.A", { policy: { timeoutMs: 1 }, by: "alice@ops" });
  expect([timeouts, taken]).toEqual([[undefined, 2], [undefined]]);
});
