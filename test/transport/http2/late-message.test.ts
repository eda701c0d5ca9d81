import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { HeldRequest } from "../../../src/transport/held-request.ts";
import { LateMessage } from "../../../src/transport/http2/late-message.ts";
import type { MemoryAccount } from "../../../src/transport/memory-account.ts";
import { MemoryBudget } from "../../../src/transport/memory-budget.ts";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

test.each<[string, (late: LateMessage) => unknown]>([
  ["is decoded", (late) => late.message],
  ["is dropped", (late) => late.drop()],
])("the bytes of a late request are let go of once it %s", async (_what, use) => {
  const budget = new MemoryBudget({ bytes: 1e8 });
  const memory = budget.open({ room() {}, evict() {} }, 0);
  const { late, ref } = lateMessage(memory, new HeldRequest(budget.requests.open("10.0.0.1")));
  expect(memory.held).toBe(1_000_000);
  use(late);
  expect(memory.held).toBe(0);
  await new Promise(setImmediate);
  gc();
  expect(ref.deref()).toBeUndefined();
  expect(late).toBeDefined();
});

function lateMessage(memory: MemoryAccount, held: HeldRequest) {
  const bytes = Buffer.alloc(1_000_000);
  const decode = ({ length }: Buffer) => length;
  const late = new LateMessage({ encoding: "identity", bytes, maxBytes: -1, memory, held, decode });
  return { late, ref: new WeakRef(bytes) };
}
