import { isThenable } from "./thenable.ts";

/**
 * Messages of another stream, each made whole as it is asked for. To whoever iterates it is a stream like any other;
 * a transport takes the steps by hand and so spares a promise for each message.
 */
export abstract class RefinedStream implements AsyncIterableIterator<unknown> {
  /** Asks the other stream for its next step, as it gives it. */
  abstract step(): Promise<IteratorResult<unknown>> | IteratorResult<unknown>;

  /** The message of a step, whole; throws what says that it cannot be. */
  abstract refine(message: unknown): unknown;

  /** What the failure of a step is to the reader. */
  abstract failure(thrown: unknown): unknown;

  abstract return(): Promise<IteratorResult<unknown>>;

  [Symbol.asyncIterator](): AsyncIterableIterator<unknown> {
    return this;
  }

  async next(): Promise<IteratorResult<unknown>> {
    const step = await this.stepOrFailure();
    if (step.done === true) return step;
    try {
      return { done: false, value: this.refine(step.value) };
    } catch (thrown) {
      // A reader does not close what has failed, yet the other stream has not. Not awaited: it may wait for its own.
      this.return().catch(() => {});
      throw thrown;
    }
  }

  private async stepOrFailure(): Promise<IteratorResult<unknown>> {
    try {
      const step = await this.step();
      return isThenable(step.value) ? { done: step.done === true, value: await step.value } : step;
    } catch (thrown) {
      throw this.failure(thrown);
    }
  }
}
