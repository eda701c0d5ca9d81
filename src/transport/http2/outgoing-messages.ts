import { Code } from "../../core/code.ts";
import { RpcError } from "../../core/rpc-error.ts";

/** The call that messages are sent for. */
export interface Sender {
  /** Sends one message. False, or a promise of it, where the next must wait until `resume` is called. */
  send(message: unknown): boolean | Promise<boolean>;
  /** There are no more. */
  onSourceEnd(): void;
  /** The source, or `send`, threw. */
  onSourceError(error: unknown): void;
}

/** Sends what an iterable yields; the next message is asked for only when there is room for it. */
export class OutgoingMessages {
  readonly #sender: Sender;
  readonly #iterator: AsyncIterator<unknown> | Iterator<unknown>;
  #stopped = false;
  #paused = false;

  /** @throws RpcError INTERNAL where the source is not iterable */
  constructor(source: unknown, sender: Sender) {
    this.#sender = sender;
    this.#iterator = iteratorOf(source);
  }

  /** Asks for the next message. */
  pull(): void {
    if (this.#stopped) return;
    try {
      const next = this.#iterator.next();
      (next instanceof Promise ? next : Promise.resolve(next)).then(this.#onNext, this.#onError);
    } catch (error) {
      this.#onError(error);
    }
  }

  /** There is room again. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.pull();
  }

  /** Lets go of the source. What it still throws is dropped. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    letGo(this.#iterator);
  }

  readonly #onNext = (result: IteratorResult<unknown>): void => {
    if (this.#stopped) return;
    if (result.done === true) {
      this.#stopped = true;
      this.#sender.onSourceEnd();
      return;
    }
    try {
      const sent = this.#sender.send(result.value);
      if (sent === true) this.pull();
      else if (sent === false) this.#paused = true;
      else sent.then(this.#onSent, this.#onError);
    } catch (error) {
      this.#onError(error);
    }
  };

  readonly #onSent = (room: boolean): void => {
    if (room) this.pull();
    else this.#paused = true;
  };

  readonly #onError = (error: unknown): void => {
    if (this.#stopped) return;
    this.stop();
    this.#sender.onSourceError(error);
  };
}

/** Lets go of a stream that nobody will send. */
export function discard(source: unknown): void {
  try {
    letGo(iteratorOf(source));
  } catch {
    // What is not iterable needs no letting go.
  }
}

function letGo(iterator: AsyncIterator<unknown> | Iterator<unknown>): void {
  const returned = async (): Promise<unknown> => iterator.return?.();
  returned().catch(() => {});
}

function iteratorOf(source: unknown): AsyncIterator<unknown> | Iterator<unknown> {
  if (typeof source === "object" && source !== null) {
    if (Symbol.asyncIterator in source) return (source as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    if (Symbol.iterator in source) return (source as Iterable<unknown>)[Symbol.iterator]();
  }
  throw new RpcError(Code.INTERNAL, `a stream of messages was expected, not ${typeof source}: give an AsyncIterable`);
}
