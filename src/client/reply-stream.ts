import type { Reply } from "../core/call.ts";
import { Code } from "../core/code.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { CallOptions } from "./call-options.ts";

type StreamOptions = Pick<CallOptions, "onHeader" | "onTrailer" | "signal">;

const end: IteratorResult<never> = Object.freeze({ done: true, value: undefined });

/** A stream of replies. The call is made when it is first read; `return` (leaving a `for await`) cancels it. */
export class ReplyStream implements AsyncIterableIterator<unknown> {
  readonly #call: () => Promise<Reply>;
  readonly #options: StreamOptions | undefined;
  readonly #signal: AbortSignal | undefined;
  #opening: Promise<AsyncIterator<unknown>> | undefined;
  #messages: AsyncIterator<unknown> | undefined;
  #ended = false;

  constructor(call: () => Promise<Reply>, options: StreamOptions | undefined) {
    this.#call = call;
    this.#options = options;
    this.#signal = options?.signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<unknown>> {
    // Past the opening, the reader asks the transport itself: nothing of ours stands between them.
    if (this.#messages !== undefined) return this.#signal?.aborted ? this.#cancelled() : this.#messages.next();
    return this.#ended ? Promise.resolve(end) : this.#open().then((messages) => messages.next());
  }

  async return(): Promise<IteratorResult<unknown>> {
    this.#ended = true;
    const messages = this.#messages ?? (await this.#opening?.catch(() => undefined));
    await messages?.return?.();
    return end;
  }

  /** Replies may be at hand that came before the caller cancelled: it reads none of them. */
  async #cancelled(): Promise<IteratorResult<unknown>> {
    if (this.#ended) return end;
    await this.return();
    throw RpcError.from(this.#signal?.reason, Code.CANCELLED);
  }

  #open(): Promise<AsyncIterator<unknown>> {
    this.#opening ??= this.#call().then((reply) => {
      this.#options?.onHeader?.(reply.header);
      const messages = (reply.response as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      const onTrailer = this.#options?.onTrailer;
      this.#messages = onTrailer === undefined ? messages : withTrailer(messages, () => onTrailer(reply.trailer));
      return this.#messages;
    });
    return this.#opening;
  }
}

async function* withTrailer(messages: AsyncIterator<unknown>, ended: () => void): AsyncGenerator<unknown, void> {
  for await (const message of { [Symbol.asyncIterator]: () => messages }) yield message;
  ended();
}
