import type { Call, Handler, Reply } from "../core/call.ts";
import { Cancellation } from "../core/cancellation.ts";
import type { RpcError } from "../core/rpc-error.ts";

type Ended = (error?: unknown) => void;

/**
 * Makes a call, and calls `ended` once when it is over: with its reply where that is one message, and for a stream when
 * it has been read to its end, left, or has failed. What ended a call before its time is told, whatever its handler made
 * of it: that is what the other side was told.
 */
export async function watched(next: Handler, call: Call, ended: Ended): Promise<Reply> {
  let reply: Reply;
  try {
    reply = await next(call);
  } catch (error) {
    ended(reasonOf(call) ?? error);
    throw error;
  }
  if (call.method.responseStream) return watchedStream(reply, call, ended);
  ended(reasonOf(call));
  return reply;
}

/** A client's call that was cancelled may have been answered before. */
function reasonOf({ cancellation, caller }: Call): RpcError | undefined {
  return caller !== undefined && cancellation instanceof Cancellation ? cancellation.reason : undefined;
}

function watchedStream(reply: Reply, call: Call, ended: Ended): Reply {
  const source = reply.response as AsyncIterable<unknown>;
  return {
    response: { [Symbol.asyncIterator]: () => watchedIterator(source[Symbol.asyncIterator](), call, once(ended)) },
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
  return {
    async next() {
      try {
        const step = await source.next();
        if (step.done) ended(reasonOf(call));
        return step;
      } catch (error) {
        ended(reasonOf(call) ?? error);
        throw error;
      }
    },
    async return(value) {
      ended(reasonOf(call));
      return (await source.return?.(value)) ?? { done: true, value };
    },
  };
}

function once(ended: Ended): Ended {
  let over = false;
  return (error) => {
    if (over) return;
    over = true;
    ended(error);
  };
}
