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

/**
 * As `runInCall`, for the call that interceptors handed on: its deadline and its cancellation hold for what its handler
 * calls, where they are others than those of the call that came.
 */
export function runHandedOn<T>(call: Call, answer: (call: Call) => T): T {
  if (!asked) return answer(call);
  const came = current.getStore();
  const same = came?.deadline === call.deadline && came.cancellation === call.cancellation;
  return same ? answer(call) : current.run(call, answer, call);
}

/**
 * As `runInCall`, for work that is done in many steps. `intercepted` where interceptors stand around it: what they have
 * entered, a trace or a tenant, holds for every step.
 */
export function inCall(call: Call, intercepted: boolean): <T>(step: () => T) => T {
  if (!asked && !intercepted) return (step) => step();
  // To enter a context that was kept costs a twentieth of making one.
  const kept = current.run(call, () => new AsyncResource("trunkline.Call", { requireManualDestroy: true }));
  return (step) => kept.runInAsyncScope(step);
}

/**
 * The call that is being answered here; `undefined` outside a handler. A call that has been answered is nobody's parent:
 * what a handler left running, an interval or a queue, makes calls of its own. One that was cancelled stays the parent
 * for as long as its handler goes on, so that what that calls fails as cancelled too.
 */
export function currentCall(): Call | undefined {
  const call = current.getStore();
  return call?.origin?.disowned === true ? undefined : call;
}

/** Runs `step` in the context that holds now, at whatever time and from whatever turn it is called. */
export function inThisContext<T>(step: () => T): () => T {
  const enter = AsyncLocalStorage.snapshot();
  return () => enter(step);
}

/**
 * Runs `work` as if outside any handler: what it calls outlives the call that is being answered, and inherits neither
 * its deadline nor its cancellation.
 *
 * ```ts
 * async placeOrder(order) {
 *   const placed = await orders.insert(order);
 *   detached(() => mailer.send({ order: placed.id })).catch(report); // Goes on though the client hangs up.
 *   return placed;
 * }
 * ```
 */
export function detached<T>(work: () => T): T {
  return current.exit(work);
}
