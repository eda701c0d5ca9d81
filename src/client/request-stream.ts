import { checkMessage } from "../core/check-message.ts";
import { Code } from "../core/code.ts";
import type { Method } from "../core/method.ts";
import { readAlready } from "../core/read-once.ts";
import { RefinedStream } from "../core/refined-stream.ts";
import { RpcError } from "../core/rpc-error.ts";
import { whatIs } from "../core/what-is.ts";
import { wholeOf } from "../core/whole.ts";
import { partialFailure } from "../transport/message.ts";

/**
 * Makes whole messages of what the user sends, one at a time, as the transport asks for them. An attempt that has read
 * nothing leaves the stream whole for the next one. The call that it belongs to lets go of it at its end.
 */
export class RequestStream extends RefinedStream {
  readonly refine: (message: unknown) => unknown;
  readonly #path: string;
  readonly #source: AsyncIterator<unknown> | Iterator<unknown>;
  #begun = false;
  /** Its source has ended, or was told to. */
  #over = false;

  /** @throws TypeError where `requests` is nothing that can be iterated */
  constructor(method: Method, requests: AsyncIterable<unknown> | Iterable<unknown>) {
    super();
    this.#path = method.path;
    this.#source = iteratorOf(requests);
    const whole = wholeOf(method.request);
    this.refine = (message) => {
      checkRequest(message, method);
      try {
        return whole(message);
      } catch (cause) {
        throw partialFailure(method, "request", message, cause);
      }
    };
  }

  override [Symbol.asyncIterator](): AsyncIterableIterator<unknown> {
    return this.#begun && this.#over ? readAlready(this.#path) : this;
  }

  override async next(): Promise<IteratorResult<unknown>> {
    let step: IteratorResult<unknown>;
    try {
      step = await this.step();
    } catch (thrown) {
      this.#over = true;
      throw this.failure(thrown);
    }
    if (step.done !== true) return { done: false, value: this.refine(step.value) };
    this.#over = true;
    return step;
  }

  step(): Promise<IteratorResult<unknown>> | IteratorResult<unknown> {
    this.#begun = true;
    return this.#source.next();
  }

  failure(thrown: unknown): unknown {
    return RpcError.local(thrown);
  }

  async return(): Promise<IteratorResult<unknown>> {
    if (this.#begun) await this.#letGo();
    return { done: true, value: undefined };
  }

  /** Lets the source clean up, once, unless it has come to its end. */
  release(): void {
    // What it still throws concerns nobody: the call is over.
    this.#letGo().catch(() => {});
  }

  async #letGo(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    await this.#source.return?.();
  }
}

function checkRequest(message: unknown, { path, request }: Method): void {
  try {
    checkMessage(message, "it", request);
  } catch (cause) {
    const why = `a request of ${path} cannot be sent: ${(cause as Error).message}`;
    throw new RpcError(Code.INVALID_ARGUMENT, why, { cause, local: true });
  }
}

function iteratorOf(requests: any): AsyncIterator<unknown> | Iterator<unknown> {
  if (typeof requests?.[Symbol.asyncIterator] === "function") return requests[Symbol.asyncIterator]();
  if (typeof requests === "object" && typeof requests?.[Symbol.iterator] === "function")
    return requests[Symbol.iterator]();
  throw new TypeError(
    `it streams its requests, and was given ${whatIs(requests)}: give an AsyncIterable or an Iterable of messages`,
  );
}
