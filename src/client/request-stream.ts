import type { MessageType } from "../core/message.ts";

/** Makes whole messages of what the user sends, one at a time, as the transport asks for them. */
export class RequestStream implements AsyncIterableIterator<unknown> {
  readonly #source: AsyncIterator<unknown> | Iterator<unknown>;
  readonly #whole: (step: IteratorResult<unknown>) => IteratorResult<unknown>;

  /** @throws TypeError where `requests` is nothing that can be iterated */
  constructor(path: string, type: MessageType<unknown>, requests: AsyncIterable<unknown> | Iterable<unknown>) {
    this.#source = iteratorOf(path, requests);
    this.#whole = (step) => (step.done === true ? step : { done: false, value: type.fromPartial(step.value as never) });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<unknown>> {
    return this.#whole(await this.#source.next());
  }

  async return(): Promise<IteratorResult<unknown>> {
    await this.#source.return?.();
    return { done: true, value: undefined };
  }
}

function iteratorOf(path: string, requests: any): AsyncIterator<unknown> | Iterator<unknown> {
  if (typeof requests?.[Symbol.asyncIterator] === "function") return requests[Symbol.asyncIterator]();
  if (typeof requests === "object" && typeof requests?.[Symbol.iterator] === "function")
    return requests[Symbol.iterator]();
  throw new TypeError(`${path} streams its requests: give an AsyncIterable or an Iterable of messages`);
}
