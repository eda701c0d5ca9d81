import type { MessageType } from "../core/message.ts";
import { RefinedStream } from "../core/refined-stream.ts";
import { wholeOf } from "../core/whole.ts";

/** Makes whole messages of what the user sends, one at a time, as the transport asks for them. */
export class RequestStream extends RefinedStream {
  readonly refine: (message: unknown) => unknown;
  readonly #source: AsyncIterator<unknown> | Iterator<unknown>;

  /** @throws TypeError where `requests` is nothing that can be iterated */
  constructor(path: string, type: MessageType<unknown>, requests: AsyncIterable<unknown> | Iterable<unknown>) {
    super();
    this.#source = iteratorOf(path, requests);
    this.refine = wholeOf(type);
  }

  step(): Promise<IteratorResult<unknown>> | IteratorResult<unknown> {
    return this.#source.next();
  }

  failure(thrown: unknown): unknown {
    return thrown;
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
