import type { Call, Reply } from "../core/call.ts";
import { inCall } from "../core/context.ts";
import type { Metadata } from "../core/metadata.ts";
import { RefinedStream } from "../core/refined-stream.ts";
import type { RpcError } from "../core/rpc-error.ts";
import type { Surroundings } from "./answer.ts";
import type { HandlerContext } from "./handler-context.ts";

const ended: IteratorResult<unknown> = Object.freeze({ done: true, value: undefined });

/** A stream of replies, its first message at hand; each further step of it runs inside the call. */
export class StreamReply extends RefinedStream implements Reply {
  readonly response: AsyncIterable<unknown> = this;
  readonly refine: (message: unknown) => unknown;
  readonly failure: (thrown: unknown) => RpcError;
  readonly #call: Call;
  readonly #context: HandlerContext;
  readonly #messages: AsyncIterator<unknown>;
  #first: IteratorResult<unknown> | undefined;
  #left = false;
  readonly #inCall: ReturnType<typeof inCall>;
  readonly #pull = (): Promise<IteratorResult<unknown>> => this.#messages.next();
  readonly #leave = async (): Promise<unknown> => this.#messages.return?.();

  constructor(
    call: Call,
    context: HandlerContext,
    messages: AsyncIterator<unknown>,
    first: IteratorResult<unknown>,
    whole: (answer: unknown) => unknown,
    { fail, intercepted }: Surroundings,
  ) {
    super();
    this.#inCall = inCall(call, intercepted);
    this.#call = call;
    this.#context = context;
    this.#messages = messages;
    this.#first = first;
    this.refine = whole;
    this.failure = (thrown) => fail(call, context, thrown);
    // What an interceptor makes of it, a generator, may never be begun, and then nobody lets go of this.
    if (intercepted) call.origin?.onEnd(() => this.#endUnread());
  }

  get header(): Metadata {
    return this.#context.header;
  }
  get trailer(): Metadata {
    return this.#context.trailer;
  }

  step(): Promise<IteratorResult<unknown>> | IteratorResult<unknown> {
    const first = this.#first;
    if (first === undefined) return this.#inCall(this.#pull);
    this.#first = undefined;
    return first;
  }

  #endUnread(): void {
    if (this.#first !== undefined) this.return().catch(() => {});
  }

  async return(): Promise<IteratorResult<unknown>> {
    if (this.#left) return ended;
    this.#left = true;
    if (this.#first !== undefined) this.#first = ended;
    try {
      await this.#inCall(this.#leave);
    } finally {
      const { cancellation, origin } = this.#call;
      cancellation?.disown();
      origin?.disown();
    }
    return ended;
  }
}

/** Lets go of a stream that nobody will read. Not awaited: a generator that waits for something of its own runs its `return()` only after that. */
export function letGo(messages: AsyncIterator<unknown>): void {
  const returned = async (): Promise<unknown> => messages.return?.();
  returned().catch(() => {});
}
