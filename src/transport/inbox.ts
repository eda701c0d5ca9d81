import { rejectedAtCallSite } from "../core/call-site.ts";
import type { RpcError } from "../core/rpc-error.ts";

export interface InboxOptions {
  /** Asks the wire for one more message. Called only while the reader waits for one. */
  readonly more: () => void;
  /** The reader will take no more: it broke off its loop. Not called once the stream has ended. */
  readonly dropped: () => void;
}

/** The messages of a stream on their way from the wire to the one who reads them. Can be iterated once. */
export interface Inbox<T> extends AsyncIterableIterator<T, undefined> {
  /** A message has arrived. */
  push(message: T): void;
  /** The last message has arrived: what is held is still read, then the stream is done. */
  end(): void;
  /** The stream is broken: what is held is still read, then this is thrown, once. */
  fail(error: RpcError): void;
}

interface Waiting<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: RpcError) => void;
}

const done: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Holds no more than the wire pushes; a wire that pushes only what `more` asked for holds one message at most. */
export function inbox<T>({ more, dropped }: InboxOptions): Inbox<T> {
  const held: T[] = [];
  const waiting: Waiting<T>[] = [];
  let ended = false;
  let failure: RpcError | undefined;

  function finish(): void {
    ended = true;
    for (const { resolve } of waiting.splice(0)) resolve(done);
  }

  return {
    push(message) {
      if (ended || failure !== undefined) return;
      const reader = waiting.shift();
      if (reader === undefined) held.push(message);
      else reader.resolve({ done: false, value: message });
      if (waiting.length > 0) more();
    },
    end() {
      if (failure === undefined) finish();
    },
    fail(error) {
      if (ended || failure !== undefined) return;
      const reader = waiting.shift();
      if (reader === undefined) {
        failure = error;
        return;
      }
      rejectedAtCallSite(error).then(reader.resolve, reader.reject);
      finish();
    },
    next() {
      if (held.length > 0) return Promise.resolve({ done: false, value: held.shift() as T });
      if (failure !== undefined) {
        const error = failure;
        failure = undefined;
        ended = true;
        return rejectedAtCallSite(error);
      }
      if (ended) return Promise.resolve(done);
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        if (waiting.length === 1) more();
      });
    },
    return() {
      const open = !ended && failure === undefined;
      held.length = 0;
      failure = undefined;
      finish();
      if (open) dropped();
      return Promise.resolve(done);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
