import type { Call, Reply } from "../core/call.ts";
import type { CallSite } from "../core/call-site.ts";
import { Code } from "../core/code.ts";
import type { Method } from "../core/method.ts";
import { RpcError } from "../core/rpc-error.ts";
import { shownAs } from "../core/shown-as.ts";
import type { CallOptions } from "./call-options.ts";
import type { Channel } from "./channel.ts";
import { failureOf } from "./failure.ts";
import { beginScope, endScope, handled, within } from "./in-scope.ts";

type StreamOptions = Pick<CallOptions, "onHeader" | "onTrailer" | "signal">;
type Step = IteratorResult<unknown>;

/** The call that a stream is the reply to. */
export interface Streaming {
  readonly method: Method;
  readonly make: () => Call;
  /** Where it was asked for, where that was noted. */
  readonly site: CallSite | undefined;
}

const end: IteratorResult<never> = Object.freeze({ done: true, value: undefined });

/**
 * A stream of replies, and the owner of its call. The call is made when it is first read; `return` (leaving a
 * `for await`) cancels it, whatever it is waiting for.
 */
export class ReplyStream implements AsyncIterableIterator<unknown> {
  readonly #channel: Channel;
  readonly #streaming: Streaming;
  readonly #options: StreamOptions | undefined;
  readonly #signal: AbortSignal | undefined;
  #call: Call | undefined;
  #endScope: (() => void) | undefined;
  #opening: Promise<AsyncIterator<unknown>> | undefined;
  #messages: AsyncIterator<unknown> | undefined;
  #left = false;

  constructor(channel: Channel, streaming: Streaming, options: StreamOptions | undefined) {
    this.#channel = channel;
    this.#streaming = streaming;
    this.#options = options;
    this.#signal = options?.signal;
  }

  /** The path of the method that it is the answer of. */
  get method(): string {
    return this.#streaming.method.path;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step> {
    // Past the opening, the reader asks the transport itself: nothing of ours stands between them.
    if (this.#messages !== undefined) return this.#signal?.aborted ? this.#cancelled() : this.#messages.next();
    if (this.#left) return Promise.resolve(end);
    this.#opening ??= this.#open();
    const unopened = (error: unknown): Step => {
      // Who has left is told of nothing more.
      if (this.#left) return end;
      throw this.#failure(error, unopened);
    };
    return this.#opening.then((messages) => messages.next(), unopened);
  }

  async return(): Promise<Step> {
    if (this.#left) return end;
    this.#left = true;
    if (this.#opening === undefined) this.#neverBegin();
    // What stands next to the wire ends it at once. The scope reaches what does not: an opening, a generator.
    const returned = this.#messages?.return?.();
    this.#cancel("the reader has left the stream");
    // A generator's end comes after what it waits for, and that may be nothing that ends.
    await (this.#channel.direct ? returned : Promise.race([returned, new Promise(setImmediate)]));
    return end;
  }

  /** Replies may be at hand that came before the caller cancelled: it reads none of them. */
  async #cancelled(): Promise<Step> {
    if (this.#left) return end;
    await this.return();
    const reason = this.#call?.cancellation?.reason ?? RpcError.from(this.#signal?.reason, Code.CANCELLED);
    throw this.#failure(reason, this.#cancelled);
  }

  async #open(): Promise<AsyncIterator<unknown>> {
    const call = this.#streaming.make();
    this.#call = call;
    this.#endScope = beginScope(this.#channel, call);
    const opened = handled(this.#channel, call);
    try {
      const reply = await opened;
      if (this.#left) throw new RpcError(Code.CANCELLED, "the reader has left the stream", { local: true });
      this.#options?.onHeader?.(reply.header);
      const messages = (reply.response as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      const plain = this.#channel.direct === true && this.#streaming.site === undefined;
      const watched = !plain || this.#options?.onTrailer !== undefined;
      this.#messages = watched ? this.#watched(messages, call, reply) : messages;
      return this.#messages;
    } catch (error) {
      opened.then(dropped, () => {});
      this.#cancel("its opening failed");
      throw error;
    }
  }

  #failure(error: unknown, above: (...args: never[]) => unknown): unknown {
    const { method, site } = this.#streaming;
    return failureOf(method, error, { above, site, foreign: this.#channel.direct !== true });
  }

  /** The messages as they come, seen to their end: the trailers are told, and the scope ends with them. */
  #watched(messages: AsyncIterator<unknown>, call: Call, reply: Reply): AsyncIterator<unknown> {
    const scope = this.#channel.direct ? undefined : call.cancellation;
    let over = false;
    const seen = (step: Step): Step => {
      if (step.done !== true || over) return step;
      over = true;
      this.#endScope?.();
      // Who has left would be given what there is of them: nothing.
      if (!this.#left) this.#options?.onTrailer?.(reply.trailer);
      return step;
    };
    const failed = (error: unknown): never => {
      over = true;
      this.#endScope?.();
      throw this.#failure(scope === undefined ? error : RpcError.from(error), failed);
    };
    return {
      next: () => (scope === undefined ? messages.next() : within(scope, messages.next())).then(seen, failed),
      return: () => messages.return?.() ?? Promise.resolve(end),
    };
  }

  /** The call is not made. Its requests are let go of all the same. */
  #neverBegin(): void {
    try {
      endScope(this.#streaming.make());
    } catch {
      // What could not be sent need not be.
    }
  }

  #cancel(why: string): void {
    this.#call?.cancellation?.cancel(new RpcError(Code.CANCELLED, why, { local: true }));
    this.#endScope?.();
  }
}

/** Lets go of a reply that nobody reads. */
function dropped({ response }: Reply): void {
  const messages = (response as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  const returned = async (): Promise<unknown> => messages.return?.();
  returned().catch(() => {});
}

shownAs(ReplyStream.prototype, "ReplyStream", ({ method }) => ({ method }));
