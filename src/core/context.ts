import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import type { Call } from "./call.ts";

/** The call that the running code is answering, for the calls that it makes in turn. */
const current = new AsyncLocalStorage<Call>();

/**
 * Whether anybody here asks for that call. Only channels and their retries do, and to enter a context is the most costly
 * step of a small call: a server in a process without them leaves it out.
 */
let asked = false;

/** What makes calls says so once, when it is made. Calls that are being answered at that moment are not seen by it. */
export function askForCurrentCall(): void {
  asked = true;
}

/** Runs `answer` so that calls made in it inherit the deadline and the cancellation of `call`. */
export function runInCall<A extends unknown[], T>(call: Call, answer: (...args: A) => T, ...args: A): T {
  return asked ? current.run(call, answer, ...args) : answer(...args);
}

/** As `runInCall`, for work that is done in many steps. */
export function inCall(call: Call): <T>(step: () => T) => T {
  if (!asked) return (step) => step();
  // To enter a context that was kept costs a twentieth of making one.
  const kept = current.run(call, () => new AsyncResource("trunkline.Call", { requireManualDestroy: true }));
  return (step) => kept.runInAsyncScope(step);
}

/** The call that is being answered here; `undefined` outside a handler. */
export function currentCall(): Call | undefined {
  return current.getStore();
}

/** Runs `work` as if outside any handler: what it calls outlives the call that is being answered. */
export function detached<T>(work: () => T): T {
  return current.exit(work);
}
