import { Call, type Caller, type ValueKey } from "../core/call.ts";
import { deadlineAfter } from "../core/deadline.ts";
import { Metadata, type MetadataInit } from "../core/metadata.ts";
import { type Method, unary } from "../core/method.ts";
import { HandlerContext } from "../server/handler-context.ts";

export interface HandlerContextInit {
  /** `Greeter.methods.sayHello`, for handlers that ask. */
  readonly method?: Method | undefined;
  readonly metadata?: MetadataInit | undefined;
  /** Milliseconds until the deadline; none by default. */
  readonly timeoutMs?: number | undefined;
  /** Cancels the call. */
  readonly signal?: AbortSignal | undefined;
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
 */
export function handlerContext(init: HandlerContextInit = {}): HandlerContext {
  const { method = someMethod, metadata, timeoutMs = 0, signal, peer, values } = init;
  return new HandlerContext(
    new Call({
      method,
      request: undefined,
      metadata: Metadata.from(metadata),
      deadline: deadlineAfter(timeoutMs),
      cancellation: signal,
      caller: peer,
      values: values && new Map(values),
    }),
  );
}
