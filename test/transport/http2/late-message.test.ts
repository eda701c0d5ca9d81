import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { LateMessage } from "../../../src/transport/http2/late-message.ts";
import { MemoryBudget } from "../../../src/transport/memory-budget.ts";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

test.each<[string, (late: LateMessage) => unknown]>([
  ["is decoded", (late) => late.message],
  ["is dropped", (late) => late.drop()],
])("the bytes of a late request are let go of once it %s", async (_what, use) => {
  const memory = new MemoryBudget({ bytes: 1e8 }).open({ room() {}, evict() {} }, 0);
  const { late, ref } = lateMessage(memory);
  expect(memory.held).toBe(1_000_000);
  use(late);
  expect(memory.held).toBe(0);
  await new Promise(setImmediate);
  gc();
  expect(ref.deref()).toBeUndefined();
  expect(late).toBeDefined();
});

function lateMessage(memory: ConstructorParameters<typeof LateMessage>[0]["memory"]) {
  const bytes = Buffer.alloc(1_000_000);
  const late = new LateMessage({ encoding: "identity", bytes, maxBytes: -1, memory, decode: ({ length }) => length });
  return { late, ref: new WeakRef(bytes) };
}
