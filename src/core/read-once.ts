import { Code } from "./code.ts";
import { RpcError } from "./rpc-error.ts";

/** What a second reading of a stream of requests gets: an error, since an empty stream would pass for an answer. */
export function readAlready(path: string): AsyncIterableIterator<unknown> {
  const why = `the requests of ${path} were read already, and cannot be sent or read again: see heldRequests`;
  return {
    next: () => Promise.reject(new RpcError(Code.INVALID_ARGUMENT, why, { local: true })),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
