import type { Reply } from "../core/call.ts";

/**
 * Calls `ended` once, when a reply is over: at once for one message, and for a stream when it has been read to its end,
 * left, or has failed. Returns the reply to hand on.
 */
export function watched(reply: Reply, stream: boolean, ended: (error?: unknown) => void): Reply {
  if (!stream) {
    ended();
    return reply;
  }
  const source = reply.response as AsyncIterable<unknown>;
  return {
    response: { [Symbol.asyncIterator]: () => watchedIterator(source[Symbol.asyncIterator](), once(ended)) },
    get header() {
      return reply.header;
    },
    // Complete only once the stream has ended, so it is asked for each time.
    get trailer() {
      return reply.trailer;
    },
  };
}

function watchedIterator(source: AsyncIterator<unknown>, ended: (error?: unknown) => void): AsyncIterator<unknown> {
  return {
    async next() {
      try {
        const step = await source.next();
        if (step.done) ended();
        return step;
      } catch (error) {
        ended(error);
        throw error;
      }
    },
    async return(value) {
      ended();
      return (await source.return?.(value)) ?? { done: true, value };
    },
  };
}

function once(ended: (error?: unknown) => void): (error?: unknown) => void {
  let over = false;
  return (error) => {
    if (over) return;
    over = true;
    ended(error);
  };
}
