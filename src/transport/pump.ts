import { Code } from "../core/code.ts";
import { RpcError } from "../core/rpc-error.ts";
import { isThenable } from "../core/thenable.ts";

/** Where a stream's messages go. */
export interface Drain {
  /** Takes one message; calls `written` once there is room for the next. Throws for what cannot be sent. */
  write(message: unknown, written: () => void): void;
  /** There are no more. */
  end(): void;
  /** The source threw, or `write` or `end` did. */
  fail(error: unknown): void;
}

const nothing = (): void => {};

/**
 * Sends what an iterable yields, taking the next message only when the one before has found room. Returns how to stop:
 * the source's `return()` is called then, nothing else comes of it, and what it still throws is dropped.
 */
export function pump(source: unknown, { write, end, fail }: Drain): () => void {
  let iterator: AsyncIterator<unknown> | undefined;
  try {
    iterator = iteratorOf(source);
  } catch (error) {
    fail(error);
    return nothing;
  }
  if (iterator === undefined) {
    const why = `a stream of messages was expected, not ${typeof source}: give an AsyncIterable`;
    fail(new RpcError(Code.INTERNAL, why, { local: true }));
    return nothing;
  }
  let stopped = false;
  let read = false;

  async function run(from: AsyncIterator<unknown>): Promise<void> {
    try {
      while (!stopped) {
        const { done, value } = await from.next();
        const message = isThenable(value) ? await value : value;
        if (stopped) return;
        if (done === true) {
          read = true;
          end();
          return;
        }
        await new Promise<void>((written) => write(message, written));
      }
    } catch (error) {
      if (stopped) return;
      stop();
      fail(error);
    }
  }

  function stop(): void {
    if (stopped) return;
    stopped = true;
    if (!read) release(iterator as AsyncIterator<unknown>);
  }

  run(iterator).catch(nothing);
  return stop;
}

/** Lets go of a stream that nobody will read: its `return()` runs, unless it was read to the end before. */
export function discard(source: unknown): void {
  const iterator = iteratorOf(source);
  if (iterator !== undefined) release(iterator);
}

/** Not awaited: a generator that waits for something of its own runs its `return()` only after that. */
function release(iterator: AsyncIterator<unknown>): void {
  const returned = async (): Promise<unknown> => iterator.return?.();
  returned().catch(nothing);
}

function iteratorOf(source: unknown): AsyncIterator<unknown> | undefined {
  if (typeof source !== "object" || source === null) return undefined;
  if (Symbol.asyncIterator in source) return (source as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  if (Symbol.iterator in source) return asynchronous((source as Iterable<unknown>)[Symbol.iterator]());
  return undefined;
}

function asynchronous(iterator: Iterator<unknown>): AsyncIterator<unknown> {
  return {
    next: async () => iterator.next(),
    return: async () => iterator.return?.() ?? { done: true, value: undefined },
  };
}
