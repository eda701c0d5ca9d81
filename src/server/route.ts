import { type Call, type Interceptor, intercept, type Reply, valueKey } from "../core/call.ts";
import { Code } from "../core/code.ts";
import { runHandedOn, runInCall } from "../core/context.ts";
import type { Logger } from "../core/logger.ts";
import { Metadata } from "../core/metadata.ts";
import type { Method, Service } from "../core/method.ts";
import { shortened } from "../core/printable.ts";
import { pushbackOf, RETRY_PUSHBACK } from "../core/pushback.ts";
import { type ReadOnce, readOnce } from "../core/read-once.ts";
import { RpcError } from "../core/rpc-error.ts";
import { showServed } from "../core/served.ts";
import { sized } from "../core/sized.ts";
import type { Acceptor } from "../core/transport.ts";
import { UNSERVED } from "../core/unserved.ts";
import { type Answer, answerWith, type Fail, type Surroundings } from "./answer.ts";
import type { Draining } from "./draining.ts";
import type { HandlerContext } from "./handler-context.ts";

/** A service and the functions that answer for it. */
export interface Served {
  readonly service: Service<any>;
  readonly implementation: Readonly<Record<string, unknown>>;
}

/** A service with what stands around each of its methods. */
export interface Routed extends Served {
  /** By the name of a method in TypeScript; the first is the outermost. */
  interceptorsOf(key: string): readonly Interceptor[];
}

export interface RouteOptions {
  readonly logger: Logger;
  readonly draining: Draining;
}

interface Route {
  readonly method: Method;
  readonly answer: Answer;
}

/**
 * The server's routing: from a path to the function that answers it, with the interceptors that stand around it. They
 * see only calls of methods that exist.
 */
export function route(served: readonly Routed[], { logger, draining }: RouteOptions): Acceptor {
  const routes = new Map<string, Route>();
  const standing = new Map<Interceptor, Set<string>>();
  const fail: Fail = (call, context, thrown) => {
    const told = endedByDrain(thrown, draining) ? draining.reason : thrown;
    return withMetadata(toStatus(call, told, logger), context);
  };
  for (const { service, implementation, interceptorsOf } of served) {
    for (const [key, declared] of Object.entries(service.methods as Record<string, Method>)) {
      const method = sized(declared, declared.policy ?? {});
      const implement = implementation[key];
      if (typeof implement !== "function") {
        throw new TypeError(`${service.name}: the implementation has no function ${key} for ${method.path}`);
      }
      const interceptors = interceptorsOf(key);
      const around: Surroundings = { fail, draining, logger, intercepted: interceptors.length > 0 };
      const answer = onceDecoded(answerWith(method, implement.bind(implementation), around));
      routes.set(method.path, { method, answer: interceptors.length === 0 ? answer : wrap(answer, interceptors) });
      for (const each of interceptors)
        standing.set(each, (standing.get(each) ?? new Set()).add(service.name).add(method.path));
    }
  }
  showServed(standing, logger);

  return {
    method: (path) => routes.get(path)?.method,
    unknown: (path) => unknownPath(path, served),
    handle(call) {
      return runInCall(call, (routes.get(call.method.path) as Route).answer, call);
    },
  };

  /** Interceptors speak promises; an answer that is at hand becomes one for them. What they throw is a status too. */
  function wrap(answer: Answer, interceptors: readonly Interceptor[]): Answer {
    const handler = intercept(async (call): Promise<Reply> => {
      if (call.method.requestStream) call.get(requestsOf)?.handOn();
      return runHandedOn(call, answer);
    }, interceptors);
    return async (call) => {
      try {
        const reply: Reply | null | undefined = await handler(sendableOnce(call));
        if (reply === undefined || reply === null) {
          throw new TypeError(`an interceptor gave ${reply} for a reply: return next(call)`);
        }
        return reply;
      } catch (thrown) {
        throw toStatus(call, thrown, logger);
      }
    };
  }
}

/** What waits by an AbortSignal throws an AbortError of its own. */
function endedByDrain(thrown: unknown, { reason }: Draining): boolean {
  return reason !== undefined && thrown instanceof Error && thrown.name === "AbortError";
}

/** The requests of a call as they came, whatever interceptors have put around them. */
const requestsOf = valueKey<ReadOnce>("requests");

/** An interceptor may call `next` again: the handler must not take requests that were read for none. */
function sendableOnce(call: Call): Call {
  const { method } = call;
  if (!method.requestStream) return call;
  const request = readOnce(method.path, call.request as AsyncIterator<unknown>);
  return call.with({ request }).set(requestsOf, request);
}

/**
 * Stands below the interceptors: a request that is compressed or large is decoded once they have let its call in, and
 * when its turn has come.
 */
function onceDecoded(answer: Answer): Answer {
  return (call) => (call.late === undefined ? answer(call) : call.late.ready().then(() => answer(call)));
}

function unknownPath(path: string, served: readonly Served[]): RpcError {
  const [, service = "", method = ""] = path.split("/");
  if (served.some((each) => each.service.name === service)) {
    const why = `this server has the service, but ${service} has no method ${shortened(method)}`;
    return new RpcError(Code.UNIMPLEMENTED, why);
  }
  const metadata = isPrintable(service) ? Metadata.EMPTY.withReserved(UNSERVED, service) : Metadata.EMPTY;
  return new RpcError(Code.UNIMPLEMENTED, `this server has no service ${shortened(service)}`, { metadata });
}

/** What a client asks for may be anything; what is sent back as text may not. */
function isPrintable(text: string): boolean {
  return /^[\x21-\x7e]{1,256}$/.test(text);
}

/**
 * What a client may learn of a failure. An RpcError is the handler's own word. One that came from a call made in turn
 * gives the client its code, and whether it is final; its text, details and trailers name what is behind this server.
 * They stay in its log, as does anything else that is thrown.
 */
function toStatus(call: Call, thrown: unknown, logger: Logger): RpcError {
  const { path } = call.method;
  const gone = call.cancellation?.reason;
  if (!RpcError.is(thrown)) {
    // A handler that stops because nobody waits any more throws what it likes; that is no fault of its own.
    if (gone !== undefined) return gone;
    logger.error({ err: thrown, method: path }, "a handler threw something that is not an RpcError");
    return new RpcError(Code.UNKNOWN, `${path} failed; the server's log has the reason`, { cause: thrown });
  }
  const error = RpcError.from(thrown);
  const { code, final, peer, method: called } = error;
  if (called === undefined && peer === undefined) return forTheWire(error);
  // What it called ended with it.
  if (gone !== undefined) return gone;
  logger.warn({ err: thrown, method: path, called, peer }, "a handler let through the error of a call that it made");
  const text = `${path} failed in a call that it made; the server's log has the reason`;
  return forTheWire(new RpcError(code, text, { final, cause: thrown }));
}

function forTheWire(error: RpcError): RpcError {
  if (!error.final || pushbackOf(error.metadata) === "never") return error;
  return error.with({ metadata: error.metadata.withReserved(RETRY_PUSHBACK, "-1") });
}

/** The status with what the handler had set to be sent along. */
function withMetadata(error: RpcError, { header, trailer }: HandlerContext): RpcError {
  if (header.size === 0 && trailer.size === 0) return error;
  return error.with({ metadata: trailer.append(error.metadata), header });
}
