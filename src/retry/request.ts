import type { Call } from "../core/call.ts";
import { readAlready } from "../core/read-once.ts";

/**
 * A call whose requests are a stream, held so that it can be sent again for as long as nothing was read from it.
 * ```ts
 * const requests = heldRequests(call);
 * const again = () => next(requests ? call.with({ request: requests.next() }) : call);
 * return again().catch((error) => (requests?.begun ? Promise.reject(error) : again()));
 * ```
 */
export interface HeldRequests {
  /** True once an attempt has read from the stream. */
  readonly begun: boolean;
  /** The stream for the next attempt. The attempt before it reads nothing more. */
  next(): AsyncIterable<unknown>;
  /** Ends a stream that no attempt will read, so that its source can clean up. */
  release(): void;
}

/** Holds a request stream, for an interceptor that calls `next` more than once; `undefined` where the method's request is one message. */
export function heldRequests(call: Call): HeldRequests | undefined {
  if (!call.method.requestStream) return undefined;
  const source = call.request as AsyncIterable<unknown>;
  let iterator: AsyncIterator<unknown> | undefined;
  let current: object | undefined;

  function next(): AsyncIterable<unknown> {
    // The source is opened by the first read. An attempt that is left before that leaves the source whole.
    const reader: AsyncIterator<unknown> = {
      next() {
        if (current !== reader) return ended();
        iterator ??= source[Symbol.asyncIterator]();
        return iterator.next();
      },
      return() {
        return current === reader ? (iterator?.return?.() ?? ended()) : ended();
      },
    };
    current = reader;
    return { [Symbol.asyncIterator]: () => (current === reader && iterator ? readAlready(call.method.path) : reader) };
  }

  function release(): void {
    current = undefined;
    if (iterator !== undefined) return;
    iterator = source[Symbol.asyncIterator]();
    // What the source has to say at its end concerns nobody: the call has failed already.
    iterator.return?.().catch(() => {});
  }

  return {
    get begun() {
      return iterator !== undefined;
    },
    next,
    release,
  };
}

function ended(): Promise<IteratorReturnResult<undefined>> {
  return Promise.resolve({ done: true, value: undefined });
}
