import type { Call, Reply } from "../core/call.ts";
import { Code } from "../core/code.ts";
import type { Facts } from "../core/facts.ts";
import type { Method } from "../core/method.ts";
import { RpcError } from "../core/rpc-error.ts";
import { isThenable } from "../core/thenable.ts";
import { whatIs } from "../core/what-is.ts";
import { type Whole, wholeOf } from "../core/whole.ts";
import { onCancel } from "../transport/cancelled.ts";
import { partialReason } from "../transport/message.ts";
import type { Draining } from "./draining.ts";
import { HandlerContext } from "./handler-context.ts";
import { letGo, StreamReply } from "./stream-reply.ts";

/** A handler that answers at once where it can: a synchronous function costs no promise. */
export type Answer = (call: Call) => Reply | Promise<Reply>;

export type Implement = (request: unknown, context: HandlerContext) => unknown;

/** Makes the error that the client may see of what a handler threw. */
export type Fail = (call: Call, context: HandlerContext, thrown: unknown) => RpcError;

/** What stands around every handler of a server. */
export interface Surroundings {
  readonly fail: Fail;
  readonly draining: Draining;
  readonly facts: Facts;
  /** Interceptors stand around it. */
  readonly intercepted: boolean;
}

/** Makes the answer to calls of a method from what the user gave for it. */
export function answerWith(method: Method, implement: Implement, around: Surroundings): Answer {
  return method.responseStream ? answerStream(method, implement, around) : answerOne(method, implement, around);
}

function answerOne(method: Method, implement: Implement, { fail, draining, facts }: Surroundings): Answer {
  const whole = wholeReplies(method, facts);
  const one = (answer: unknown, { header, trailer }: HandlerContext): Reply => ({
    response: whole(answer),
    header,
    trailer,
  });
  return (call) => {
    const context = new HandlerContext(call, draining);
    try {
      const answer = implement(call.request, context);
      if (!isThenable(answer)) return one(answer, context);
      return Promise.resolve(answer).then(
        (message) => one(message, context),
        (thrown) => Promise.reject(fail(call, context, thrown)),
      );
    } catch (thrown) {
      throw fail(call, context, thrown);
    }
  };
}

/** Makes reply messages with every field; what cannot be one is the server's fault and says where. */
function wholeReplies(method: Method, facts: Facts): (answer: unknown) => unknown {
  const whole: Whole = wholeOf(method.response);
  return (answer) => {
    if (typeof answer !== "object" || answer === null) throw wrongShape(method, facts, whatIs(answer));
    try {
      return whole(answer);
    } catch (cause) {
      const why = partialReason(method.response, answer, cause);
      throw wrongShape(method, facts, `a value that does not fit (${why})`, cause);
    }
  };
}

function wrongShape(method: Method, facts: Facts, what: string, cause?: unknown): RpcError {
  const text = `the handler of ${method.path} gave ${what} where a ${method.response.$type} belongs`;
  const error = new RpcError(Code.INTERNAL, text, { cause });
  facts.on["reply-malformed"]?.({ method: method.path, error });
  return error;
}

/** A stream stands once it has opened: its first message, or its end, decides. */
function answerStream(method: Method, implement: Implement, around: Surroundings): Answer {
  const whole = wholeReplies(method, around.facts);
  return async (call) => {
    const context = new HandlerContext(call, around.draining);
    try {
      const answer = implement(call.request, context);
      const given = (isThenable(answer) ? await answer : answer) as AsyncIterable<unknown> | undefined;
      if (typeof given?.[Symbol.asyncIterator] !== "function")
        throw wrongShape(method, around.facts, "no AsyncIterable");
      const messages = given[Symbol.asyncIterator]();
      return new StreamReply(call, context, messages, await firstOf(messages, call), whole, around);
    } catch (thrown) {
      throw around.fail(call, context, thrown);
    }
  };
}

/** The first step of a stream, which is let go where its call ends before that. */
async function firstOf(messages: AsyncIterator<unknown>, call: Call): Promise<IteratorResult<unknown>> {
  const stopListening = onCancel(call, () => letGo(messages));
  try {
    return await messages.next();
  } finally {
    stopListening();
  }
}
