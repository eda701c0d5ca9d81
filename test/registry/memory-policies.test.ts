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
