import { Code } from "./code.ts";
import { RpcError } from "./rpc-error.ts";

/** What a second reading of a stream of requests gets: an error, since an empty stream would pass for an answer. */
export function readAlready(path: string, code: Code = Code.INVALID_ARGUMENT): AsyncIterableIterator<unknown> {
  const why = `the requests of ${path} were read already, and cannot be sent or read again: see heldRequests`;
  return {
    next: () => Promise.reject(new RpcError(code, why, { local: true })),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** A stream of requests as a server's interceptors may hand it on: again as long as nothing was read, and else once. */
export interface ReadOnce extends AsyncIterableIterator<unknown> {
  /** Another handler is about to read it: where anything was read, it gets an error. */
  handOn(): void;
}

export function readOnce(path: string, source: AsyncIterator<unknown>): ReadOnce {
  let begun = false;
  let over = false;
  const seen = (step: IteratorResult<unknown>): IteratorResult<unknown> => {
    if (step.done === true) over = true;
    return step;
  };
  return {
    next() {
      begun = true;
      return source.next().then(seen);
    },
    async return() {
      if (begun) {
        over = true;
        await source.return?.();
      }
      return { done: true, value: undefined };
    },
    handOn() {
      if (begun) over = true;
    },
    [Symbol.asyncIterator]() {
      return begun && over ? readAlready(path, Code.INTERNAL) : this;
    },
  };
}
