import type { Call, Reply } from "../core/call.ts";
import { Code } from "../core/code.ts";
import { inCall } from "../core/context.ts";
import type { Metadata } from "../core/metadata.ts";
import type { Method } from "../core/method.ts";
import { RefinedStream } from "../core/refined-stream.ts";
import { RpcError } from "../core/rpc-error.ts";
import { type Whole, wholeOf } from "../core/whole.ts";
import { HandlerContext } from "./handler-context.ts";

/** A handler that answers at once where it can: a synchronous function costs no promise. */
export type Answer = (call: Call) => Reply | Promise<Reply>;

type Implement = (request: unknown, context: HandlerContext) => unknown;

/** Makes the error that the client may see of what a handler threw. */
export type Fail = (call: Call, context: HandlerContext, thrown: unknown) => RpcError;

/** Makes the answer to calls of a method from what the user gave for it. */
export function answerWith(method: Method, implement: Implement, fail: Fail): Answer {
  return method.responseStream ? answerStream(method, implement, fail) : answerOne(method, implement, fail);
}

function answerOne(method: Method, implement: Implement, fail: Fail): Answer {
  const whole = wholeReplies(method);
  const one = (answer: unknown, { header, trailer }: HandlerContext): Reply => ({
    response: whole(answer),
    header,
    trailer,
  });
  return (call) => {
    const context = new HandlerContext(call);
    try {
      const answer = implement(call.request, context);
      if (!(answer instanceof Promise)) return one(answer, context);
      return answer.then(
        (message) => one(message, context),
        (thrown) => Promise.reject(fail(call, context, thrown)),
      );
    } catch (thrown) {
      throw fail(call, context, thrown);
    }
  };
}

/** Makes reply messages with every field; what cannot be one is the server's fault and says where. */
function wholeReplies(method: Method): (answer: unknown) => unknown {
  const whole: Whole = wholeOf(method.response);
  return (answer) => {
    if (typeof answer !== "object" || answer === null) throw wrongShape(method, `${answer}`);
    try {
      return whole(answer);
    } catch (cause) {
      throw wrongShape(method, `a value that does not fit (${(cause as Error).message})`, cause);
    }
  };
}

function wrongShape(method: Method, what: string, cause?: unknown): RpcError {
  const text = `the handler of ${method.path} gave ${what} where a ${method.response.$type} belongs`;
  return new RpcError(Code.INTERNAL, text, { cause });
}

/** A stream stands once it has opened: its first message, or its end, decides. */
function answerStream(method: Method, implement: Implement, fail: Fail): Answer {
  const whole = wholeReplies(method);
  return async (call) => {
    const context = new HandlerContext(call);
    try {
      const given = implement(call.request, context) as AsyncIterable<unknown> | undefined;
      if (typeof given?.[Symbol.asyncIterator] !== "function") throw wrongShape(method, "no AsyncIterable");
      const messages = given[Symbol.asyncIterator]();
      return new StreamReply(call, context, messages, await messages.next(), whole, fail);
    } catch (thrown) {
      throw fail(call, context, thrown);
    }
  };
}

/** A stream of replies, its first message at hand; each further step of it runs inside the call. */
class StreamReply extends RefinedStream implements Reply {
  readonly response: AsyncIterable<unknown> = this;
  readonly refine: (message: unknown) => unknown;
  readonly failure: (thrown: unknown) => RpcError;
  readonly #context: HandlerContext;
  readonly #messages: AsyncIterator<unknown>;
  #first: IteratorResult<unknown> | undefined;
  readonly #inCall: ReturnType<typeof inCall>;
  readonly #pull = (): Promise<IteratorResult<unknown>> => this.#messages.next();

  constructor(
    call: Call,
    context: HandlerContext,
    messages: AsyncIterator<unknown>,
    first: IteratorResult<unknown>,
    whole: (answer: unknown) => unknown,
    fail: Fail,
  ) {
    super();
    this.#inCall = inCall(call);
    this.#context = context;
    this.#messages = messages;
    this.#first = first;
    this.refine = whole;
    this.failure = (thrown) => fail(call, context, thrown);
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

  async return(): Promise<IteratorResult<unknown>> {
    await this.#messages.return?.();
    return { done: true, value: undefined };
  }
}
