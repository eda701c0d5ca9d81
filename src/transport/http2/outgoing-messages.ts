import { Code } from "../../core/code.ts";
import { RefinedStream } from "../../core/refined-stream.ts";
import { RpcError } from "../../core/rpc-error.ts";
import { isThenable } from "../../core/thenable.ts";

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
  /** Where it waits for room: how to go on. */
  #goOn: (() => void) | undefined;

  /** @throws RpcError INTERNAL where the source is not iterable */
  constructor(source: unknown, sender: Sender) {
    this.#sender = sender;
    this.#iterator = iteratorOf(source);
  }

  /** Begins to send. */
  start(): void {
    this.#run().catch(this.#onError);
  }

  /** There is room again. */
  resume(): void {
    const goOn = this.#goOn;
    this.#goOn = undefined;
    goOn?.();
  }

  /** Lets go of the source. What it still throws is dropped. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    letGo(this.#iterator);
    this.resume();
  }

  async #run(): Promise<void> {
    const steps = stepsOf(this.#iterator);
    while (!this.#stopped) {
      let step: IteratorResult<unknown>;
      let message: unknown;
      try {
        step = await steps.step();
        message = isThenable(step.value) ? await step.value : step.value;
      } catch (thrown) {
        throw steps.failure(thrown);
      }
      if (this.#stopped) return;
      if (step.done === true) {
        this.#stopped = true;
        this.#sender.onSourceEnd();
        return;
      }
      const sent = this.#sender.send(steps.refine(message));
      if (sent === true) continue;
      // Room may come while a message is being compressed: whoever waits for it must stand there before.
      const room = new Promise<void>((resolve) => {
        this.#goOn = resolve;
      });
      if (sent === false || !(await sent)) await room;
    }
  }

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

/** The steps of a stream, by hand where it gives them so. */
function stepsOf(
  iterator: AsyncIterator<unknown> | Iterator<unknown>,
): Pick<RefinedStream, "step" | "refine" | "failure"> {
  if (iterator instanceof RefinedStream) return iterator;
  return { step: () => iterator.next(), refine: (message) => message, failure: (thrown) => thrown };
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
  const why = `a stream of messages was expected, not ${typeof source}: give an AsyncIterable`;
  throw new RpcError(Code.INTERNAL, why, { local: true });
}
