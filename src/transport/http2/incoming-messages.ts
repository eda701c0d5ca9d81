import { rejectedAtCallSite } from "../../core/call-site.ts";
import { Code } from "../../core/code.ts";
import { RpcError } from "../../core/rpc-error.ts";
import { isThenable } from "../../core/thenable.ts";
import { type Inbox, PREFIX_BYTES } from "./inbox.ts";

/** The call that messages come for. */
export interface Receiver {
  /** The reader asks for the next message: it is done with the one before. */
  onNext?(): void;
  /** Decodes what the inbox has found. A promise where it has to be decompressed first. */
  decodeTaken(inbox: Inbox): unknown;
  /** The reader has taken a message of so many bytes; `empty` where it was the last there is. */
  onRead(bytes: number, empty: boolean): void;
  /** The reader wants no more. */
  onReaderGone(): void;
  /** A message does not decode. Gives the error that its reader is told. */
  onUnreadable(error: RpcError): RpcError;
}

interface Waiter {
  readonly resolve: (result: IteratorResult<unknown, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const NOT_READ = new RpcError(Code.CANCELLED, "nobody reads the stream any more");

/**
 * The messages of a stream, for whoever iterates over them. They are decoded as they are taken, so a slow reader holds
 * back the peer. Where messages are waiting, `next` returns a promise that is already resolved.
 */
export class IncomingMessages implements AsyncIterableIterator<unknown, undefined> {
  readonly #inbox: Inbox;
  readonly #receiver: Receiver;
  #waiters: Waiter[] = [];
  /** The first message, where it was decoded before anybody asked. */
  #first: { readonly value: unknown; readonly size: number } | undefined;
  #decompressing = false;
  #ended = false;
  /** The reader wants no more, or has been told that a message does not decode: only the end is left. */
  #over = false;
  #error: RpcError | undefined;
  /** Why what has been taken and not decoded is of no use any more. */
  #dropped: RpcError | undefined;

  constructor(inbox: Inbox, receiver: Receiver) {
    this.#inbox = inbox;
    this.#receiver = receiver;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    this.#receiver.onNext?.();
    if (this.#waiters.length > 0 || this.#decompressing) return this.#wait();
    if (this.#over) return this.#last();
    if (this.#first !== undefined) return this.#takeFirst(this.#first);
    if (this.#inbox.ready > 0) return this.#take();
    if (!this.#ended) return this.#wait();
    return this.#last();
  }

  /** The reader wants no more, as at the end of a `for await` that breaks off. */
  return(): Promise<IteratorResult<unknown, undefined>> {
    const unread = !this.#ended || this.#inbox.ready > 0;
    this.#dropped ??= NOT_READ;
    this.#finish();
    if (unread) this.#receiver.onReaderGone();
    return Promise.resolve({ value: undefined, done: true });
  }

  /**
   * Decodes the first message, which must be there, so that one which does not decode fails the call and not its
   * reader. Before anybody has called `next`.
   */
  prime(): void | Promise<void> {
    const inbox = this.#inbox;
    inbox.take();
    const size = PREFIX_BYTES + inbox.end - inbox.start;
    const value = this.#receiver.decodeTaken(inbox);
    if (!isThenable(value)) {
      this.#first = { value, size };
      return undefined;
    }
    return Promise.resolve(value).then((decompressed: unknown) => {
      this.#first = { value: decompressed, size };
    });
  }

  /** Messages have come. */
  wake(): void {
    while (this.#waiters.length > 0 && !this.#decompressing && this.#inbox.ready > 0) {
      const { resolve, reject } = this.#waiters.shift() as Waiter;
      this.#take().then(resolve, reject);
    }
  }

  /** No more will come. What is there can still be read; then comes the end, or the error. */
  end(error: RpcError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = this.#over ? undefined : error;
    // A reader may wait though messages have come: what came behind them ended the stream.
    this.wake();
    this.#settleWaiters();
  }

  /** For what decodes a message later than it was taken. Throws where nobody wants it any more. */
  readonly mustBeWanted = (): void => {
    if (this.#dropped !== undefined) throw this.#dropped;
  };

  /** It is over now: what has not been read is dropped. */
  abort(error: RpcError): void {
    this.#dropped ??= error;
    this.#inbox.clear();
    this.#first = undefined;
    if (this.#ended && !this.#over) this.#error = error;
    this.end(error);
  }

  #takeFirst({ value, size }: { value: unknown; size: number }): Promise<IteratorResult<unknown, undefined>> {
    this.#first = undefined;
    this.#receiver.onRead(size, this.#inbox.ready === 0);
    return Promise.resolve({ value, done: false });
  }

  #take(): Promise<IteratorResult<unknown, undefined>> {
    const inbox = this.#inbox;
    inbox.take();
    const size = PREFIX_BYTES + inbox.end - inbox.start;
    try {
      const value = this.#receiver.decodeTaken(inbox);
      this.#receiver.onRead(size, inbox.ready === 0);
      if (isThenable(value)) return this.#whenDecompressed(value);
      return Promise.resolve({ value, done: false });
    } catch (error) {
      return this.#unreadable(error);
    }
  }

  async #whenDecompressed(decoding: PromiseLike<unknown>): Promise<IteratorResult<unknown, undefined>> {
    this.#decompressing = true;
    try {
      return { value: await decoding, done: false };
    } catch (error) {
      return this.#over ? this.#last() : this.#unreadable(error);
    } finally {
      this.#decompressing = false;
      this.wake();
      if (this.#ended) this.#settleWaiters();
    }
  }

  #unreadable(thrown: unknown): Promise<never> {
    this.#finish();
    return rejectedAtCallSite(this.#receiver.onUnreadable(RpcError.from(thrown)));
  }

  /** Drops what there is: whatever comes now, the reader is told of nothing but the end. */
  #finish(): void {
    this.#over = true;
    this.#error = undefined;
    this.#first = undefined;
    this.#inbox.clear();
    this.end(undefined);
  }

  #settleWaiters(): void {
    if (this.#decompressing || this.#inbox.ready > 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { resolve, reject } of waiters) this.#last().then(resolve, reject);
  }

  /** The end. An error is told once. */
  #last(): Promise<IteratorResult<unknown, undefined>> {
    const error = this.#error;
    this.#error = undefined;
    return error === undefined ? Promise.resolve({ value: undefined, done: true }) : rejectedAtCallSite(error);
  }

  #wait(): Promise<IteratorResult<unknown, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }
}
