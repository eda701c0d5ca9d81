import { AsyncLocalStorage } from "node:async_hooks";
import { expect, test } from "vitest";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { Call } from "../../src/core/call.ts";
import { inCall } from "../../src/core/context.ts";

// No channel has been made in this process: nobody asks for the current call.

test("the steps of an intercepted call run in what its interceptors have entered, though nobody asks for the call", () => {
  const trace = new AsyncLocalStorage<string>();
  const call = new Call({ method: Probe.methods.expand, request: {} });
  const step = trace.run("mine", () => inCall(call, true));
  expect(trace.run("a stranger's", () => step(() => trace.getStore()))).toBe("mine");
});
