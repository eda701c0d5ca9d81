import { AsyncLocalStorage } from "node:async_hooks";
import type { Call } from "./call.ts";

/** The call that the running code is answering, for the calls that it makes in turn. */
const current = new AsyncLocalStorage<Call>();

/** Runs `answer` so that calls made in it inherit the deadline and the cancellation of `call`. */
export function runInCall<A extends unknown[], T>(call: Call, answer: (...args: A) => T, ...args: A): T {
  return current.run(call, answer, ...args);
}

/** The call that is being answered here; `undefined` outside a handler. */
export function currentCall(): Call | undefined {
  return current.getStore();
}

/** Runs `work` as if outside any handler: what it calls outlives the call that is being answered. */
export function detached<T>(work: () => T): T {
  return current.exit(work);
}
