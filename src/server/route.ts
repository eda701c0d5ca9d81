import { type Call, type Handler, type Interceptor, intercept, type Reply } from "../core/call.ts";
import { Code } from "../core/code.ts";
import { runInCall } from "../core/context.ts";
import type { Logger } from "../core/logger.ts";
import type { Method, Service } from "../core/method.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { Acceptor } from "../core/transport.ts";
import { type Answer, answerWith } from "./answer.ts";

/** A service and the functions that answer for it. */
export interface Served {
  readonly service: Service<any>;
  readonly implementation: Readonly<Record<string, unknown>>;
}

interface Route {
  readonly method: Method;
  readonly answer: Answer;
}

/**
 * The server's routing: from a path to the function that answers it. Stands under the server's interceptors, which
 * therefore see only calls of methods that exist.
 */
export function route(served: readonly Served[], interceptors: readonly Interceptor[], logger: Logger): Acceptor {
  const routes = new Map<string, Route>();
  for (const { service, implementation } of served) {
    for (const [key, method] of Object.entries(service.methods as Record<string, Method>)) {
      const implement = implementation[key];
      if (typeof implement !== "function") {
        throw new TypeError(`${service.name}: the implementation has no function ${key} for ${method.path}`);
      }
      const answer = answerWith(method, implement.bind(implementation));
      routes.set(method.path, { method, answer: interceptors.length === 0 ? answer : wrap(answer, interceptors) });
    }
  }

  const fail = (call: Call, thrown: unknown): RpcError => toStatus(call, thrown, logger);

  return {
    method: (path) => routes.get(path)?.method,
    unknown: (path) => unknownPath(path, served),
    handle(call) {
      const answer = (routes.get(call.method.path) as Route).answer;
      try {
        const reply = runInCall(call, answer, call);
        return reply instanceof Promise ? reply.catch((thrown) => Promise.reject(fail(call, thrown))) : reply;
      } catch (thrown) {
        throw fail(call, thrown);
      }
    },
  };
}

/** Interceptors speak promises; an answer that is at hand becomes one for them. */
function wrap(answer: Answer, interceptors: readonly Interceptor[]): Handler {
  return intercept(async (call): Promise<Reply> => answer(call), interceptors);
}

function unknownPath(path: string, served: readonly Served[]): RpcError {
  const [, service = "", method = ""] = path.split("/");
  const known = served.some((each) => each.service.name === service);
  const missing = known ? `${service} has no method ${method}` : `no service ${service}`;
  return new RpcError(Code.UNIMPLEMENTED, `this server has ${known ? `the service, but ${missing}` : missing}`);
}

/**
 * What a client may learn of a failure. An RpcError is the handler's own word. One that came from a call made in turn
 * keeps its status, but its trailers were meant for us. Anything else stays in the server's log.
 */
function toStatus(call: Call, thrown: unknown, logger: Logger): RpcError {
  if (!RpcError.is(thrown)) {
    logger.error({ err: thrown, method: call.method.path }, "a handler threw something that is not an RpcError");
    return new RpcError(Code.UNKNOWN, `${call.method.path} failed; the server's log has the reason`, { cause: thrown });
  }
  if (thrown.peer === undefined) return thrown;
  return new RpcError(thrown.code, thrown.message, { details: thrown.details, cause: thrown });
}
