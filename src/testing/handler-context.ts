import { Call, type Caller, type ValueKey } from "../core/call.ts";
import type { Cancellation } from "../core/cancellation.ts";
import { LONGEST_TIMER_MS } from "../core/clock.ts";
import { Code } from "../core/code.ts";
import { deadlineAfter, NEVER, now } from "../core/deadline.ts";
import { Metadata, type MetadataInit } from "../core/metadata.ts";
import { type Method, unary } from "../core/method.ts";
import { RpcError } from "../core/rpc-error.ts";
import { Scope } from "../core/scope.ts";
import { HandlerContext } from "../server/handler-context.ts";
import { attached, checkContext } from "./check-context.ts";

export interface HandlerContextInit {
  /** `Greeter.methods.sayHello`, for handlers that ask. */
  readonly method?: Method | undefined;
  readonly metadata?: MetadataInit | undefined;
  /** Milliseconds until the deadline, at which `signal` aborts; none by default. */
  readonly timeoutMs?: number | undefined;
  /** Cancels the call. */
  readonly signal?: AbortSignal | undefined;
  /** What tells the handler that its server drains; that never happens by default. */
  readonly draining?: AbortSignal | undefined;
  /** Who calls; nobody by default. */
  readonly peer?: Caller | undefined;
  /** What interceptors would have attached: `[[user, { name: "Ada" }]]`. */
  readonly values?: Iterable<readonly [ValueKey<any>, unknown]> | undefined;
}

const nothing = { $type: "test.Nothing", encode: () => ({ finish: () => new Uint8Array() }), decode: () => ({}) };
const someMethod: Method = {
  ...unary("Some", { ...nothing, fromPartial: () => ({}) }, { ...nothing, fromPartial: () => ({}) }),
  service: "test.Test",
  path: "/test.Test/Some",
};

/**
 * A context to call a handler with, as a function. Its `header` and `trailer` can be read afterwards.
 *
 * ```ts
 * const context = handlerContext({ metadata: { authorization: "Bearer t" }, timeoutMs: 100 });
 * expect(await greetings.sayHello({ name: "Ada" }, context)).toEqual({ message: "Hello Ada" });
 * ```
 *
 * @throws TypeError that names the option that there is not, or that cannot be
 */
export function handlerContext(init: HandlerContextInit = {}): HandlerContext {
  checkContext(init);
  const { method = someMethod, metadata, timeoutMs = 0, signal, draining, peer, values } = init;
  const deadline = deadlineAfter(timeoutMs);
  const cancellation = new Scope(signal);
  if (deadline !== NEVER) cancelAt(deadline, cancellation);
  return new HandlerContext(
    new Call({
      method,
      request: undefined,
      metadata: Metadata.from(metadata),
      deadline,
      cancellation,
      caller: peer,
      values: attached(values),
    }),
    draining && { signalFor: () => draining },
  );
}

/** A test that is over is not held by it. */
function cancelAt(deadline: number, cancellation: Cancellation): void {
  const ring = (): void => {
    const leftMs = deadline - now();
    if (leftMs > 0) setTimeout(ring, Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS)).unref();
    else cancellation.cancel(new RpcError(Code.DEADLINE_EXCEEDED, "the deadline of the call passed"));
  };
  ring();
}
