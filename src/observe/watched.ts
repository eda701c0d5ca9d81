import type { Call, Handler, Reply } from "../core/call.ts";
import { Code } from "../core/code.ts";
import { RpcError } from "../core/rpc-error.ts";

type Ended = (error?: unknown) => void;

/**
 * Makes a call, and calls `ended` once when it is over: with its reply where that is one message, and for a stream when
 * it has been read to its end, left, or has failed. What ended a call before its time is told, whatever its handler made
 * of it: that is what the other side was told.
 */
export async function watched(next: Handler, call: Call, ended: Ended): Promise<Reply> {
  // A client's call may be over while an interceptor further in still has hold of it, or one further out of its reply.
  const scope = call.caller === undefined ? call.cancellation : undefined;
  const tell = once(ended);
  scope?.onCancel(tell);
  let reply: Reply;
  try {
    reply = await next(call);
  } catch (error) {
    scope?.offCancel(tell);
    tell(reasonOf(call) ?? error);
    throw error;
  }
  if (call.method.responseStream) return watchedStream(reply, call, tell);
  scope?.offCancel(tell);
  tell(reasonOf(call));
  return reply;
}

/** A client's call that was cancelled may have been answered before. */
function reasonOf({ cancellation, caller }: Call): RpcError | undefined {
  return caller === undefined ? undefined : cancellation?.reason;
}

function watchedStream(reply: Reply, call: Call, ended: Ended): Reply {
  const source = reply.response as AsyncIterable<unknown>;
  return {
    response: { [Symbol.asyncIterator]: () => watchedIterator(source[Symbol.asyncIterator](), call, ended) },
    get header() {
      return reply.header;
    },
    // Complete only once the stream has ended, so it is asked for each time.
    get trailer() {
      return reply.trailer;
    },
  };
}

function watchedIterator(source: AsyncIterator<unknown>, call: Call, ended: Ended): AsyncIterator<unknown> {
  const { cancellation, caller } = call;
  // Whoever read it may not come back once it is cancelled. A client's call is watched from its beginning.
  if (caller !== undefined) cancellation?.onCancel(ended);
  const end = (error?: unknown): void => {
    cancellation?.offCancel(ended);
    ended(error);
  };
  return {
    async next() {
      try {
        const step = await source.next();
        if (step.done) end(reasonOf(call));
        return step;
      } catch (error) {
        end(reasonOf(call) ?? error);
        throw error;
      }
    },
    async return(value) {
      end(cancellation?.reason ?? left(call));
      return (await source.return?.(value)) ?? { done: true, value };
    },
  };
}

/** A server lets go of a stream that nobody waits for any more; a client leaves one. */
function left({ caller }: Call): RpcError | undefined {
  return caller === undefined ? new RpcError(Code.CANCELLED, "the stream was left before its end") : undefined;
}

function once(ended: Ended): Ended {
  let over = false;
  return (error) => {
    if (over) return;
    over = true;
    ended(error);
  };
}
