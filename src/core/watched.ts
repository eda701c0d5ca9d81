import type { Call, Handler, Reply } from "./call.ts";
import type { Ended } from "./cancellation.ts";
import { Code } from "./code.ts";
import { RpcError } from "./rpc-error.ts";

/**
 * Makes a call, and calls `ended` once when it is over, whatever its kind: with the error that it ended with, or with
 * `undefined` where it ended well. For interceptors that want to see the end of streams too.
 *
 * On a server that is when its client has been told, with what it was told: a reply that could not be encoded, or that
 * was cut while it was sent, is a failure though its handler had done its part. On a client it is when the reply is
 * there, and for a stream when it has been read to its end, was left, or has failed.
 *
 * What `ended` throws is a warning of the process, and nothing to the call.
 *
 * ```ts
 * const timed: Interceptor = (next) => (call) => {
 *   const startedMs = performance.now();
 *   return watched(next, call, (error) => {
 *     console.log(call.method.path, error?.codeName ?? "OK", performance.now() - startedMs);
 *   });
 * };
 * ```
 */
export function watched(next: Handler, call: Call, ended: Ended): Promise<Reply> {
  const tell = once(ended);
  if (call.caller === undefined || call.origin === undefined) return watchedReply(next, call, tell);
  call.origin.onEnd(tell);
  return next(call);
}

async function watchedReply(next: Handler, call: Call, tell: Ended): Promise<Reply> {
  // The call may be over while an interceptor further in still has hold of it, or one further out of its reply.
  call.cancellation?.onCancel(tell);
  let reply: Reply;
  try {
    reply = await next(call);
  } catch (error) {
    call.cancellation?.offCancel(tell);
    tell(call.cancellation?.reason ?? RpcError.from(error));
    throw error;
  }
  if (call.method.responseStream) return watchedStream(reply, call, tell);
  call.cancellation?.offCancel(tell);
  // A call that was cancelled may have been answered before.
  tell(call.cancellation?.reason);
  return reply;
}

function watchedStream(reply: Reply, call: Call, tell: Ended): Reply {
  const source = reply.response as AsyncIterable<unknown>;
  return {
    response: { [Symbol.asyncIterator]: () => watchedIterator(source[Symbol.asyncIterator](), call, tell) },
    get header() {
      return reply.header;
    },
    // Complete only once the stream has ended, so it is asked for each time.
    get trailer() {
      return reply.trailer;
    },
  };
}

function watchedIterator(
  source: AsyncIterator<unknown>,
  { cancellation }: Call,
  tell: Ended,
): AsyncIterableIterator<unknown> {
  const end = (error?: RpcError): void => {
    cancellation?.offCancel(tell);
    tell(cancellation?.reason ?? error);
  };
  return {
    async next() {
      try {
        const step = await source.next();
        if (step.done) end();
        return step;
      } catch (error) {
        end(RpcError.from(error));
        throw error;
      }
    },
    async return(value) {
      end(new RpcError(Code.CANCELLED, "the stream was left before its end", { local: true }));
      return (await source.return?.(value)) ?? { done: true, value };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function once(ended: Ended): Ended {
  let over = false;
  return (error) => {
    if (over) return;
    over = true;
    try {
      ended(error);
    } catch (thrown) {
      process.emitWarning(thrown instanceof Error ? thrown : String(thrown));
    }
  };
}
