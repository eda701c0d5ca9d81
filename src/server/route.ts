import { type Call, type Interceptor, intercept, type Reply, valueKey } from "../core/call.ts";
import type { Ended } from "../core/cancellation.ts";
import { Code } from "../core/code.ts";
import { runHandedOn, runInCall } from "../core/context.ts";
import { type Facts, NOBODY } from "../core/facts.ts";
import { Metadata } from "../core/metadata.ts";
import type { Method, Service } from "../core/method.ts";
import { shortened } from "../core/printable.ts";
import { type ReadOnce, readOnce } from "../core/read-once.ts";
import { RpcError } from "../core/rpc-error.ts";
import { showServed } from "../core/served.ts";
import { sized } from "../core/sized.ts";
import { toldCall } from "../core/told-call.ts";
import type { Acceptor } from "../core/transport.ts";
import { UNSERVED } from "../core/unserved.ts";
import { type Answer, answerWith, type Fail, type Implement, type Surroundings } from "./answer.ts";
import { checkedReply } from "./checked-reply.ts";
import type { Draining } from "./draining.ts";
import { createFailures } from "./failures.ts";

/** A service and the functions that answer for it. */
export interface Served {
  readonly service: Service<any>;
  readonly implementation: Readonly<Record<string, unknown>>;
}

/** An interceptor that stands outermost, and only while it is wanted: otherwise a call costs the question. */
export interface Gate {
  readonly interceptor: Interceptor;
  wanted(service: string): boolean;
}

/** A service with what stands around each of its methods. */
export interface Routed extends Served {
  readonly gate?: Gate | undefined;
  /** By the name of a method in TypeScript; the first is the outermost. */
  interceptorsOf(key: string): readonly Interceptor[];
}

export interface RouteOptions {
  readonly facts: Facts;
  /** Where the server is about to listen. */
  readonly address: string;
  readonly draining: Draining;
}

interface Route {
  readonly method: Method;
  readonly answer: Answer;
  /** Told of the end of each of its calls. */
  readonly ended: Ended;
}

/**
 * The server's routing: from a path to the function that answers it, with the interceptors that stand around it. They
 * see only calls of methods that exist.
 */
export function route(served: readonly Routed[], { facts, draining, address }: RouteOptions): Acceptor {
  const routes = new Map<string, Route>();
  const standing = new Map<Interceptor, Method[]>();
  const { toStatus, endedIn } = createFailures(facts);
  const fail: Fail = (call, context, thrown) => {
    const told = endedByDrain(thrown, draining) ? draining.reason : thrown;
    return toStatus(call, told, context);
  };
  for (const { service, implementation, interceptorsOf, gate } of served) {
    for (const [key, declared] of Object.entries(service.methods as Record<string, Method>)) {
      const method = sized(declared, declared.policy ?? {});
      const implement = implementation[key] as Implement;
      const interceptors = interceptorsOf(key);
      const around: Surroundings = {
        fail,
        draining,
        facts,
        intercepted: interceptors.length > 0 || gate !== undefined,
      };
      const answer = onceDecoded(answerWith(method, implement.bind(implementation), around));
      const plain = interceptors.length === 0 ? answer : wrap(answer, interceptors);
      const within = gate && wrap(answer, [gate.interceptor, ...interceptors]);
      const wrapped: Answer = gate && within ? (call) => (gate.wanted(service.name) ? within : plain)(call) : plain;
      routes.set(method.path, { method, answer: wrapped, ended: endedIn(method) });
      for (const each of new Set(interceptors)) standing.set(each, [...(standing.get(each) ?? []), method]);
    }
  }
  showServed(standing, facts, address);

  return {
    method: (path) => routes.get(path)?.method,
    unknown: (path) => unknownPath(path, served),
    handle(call) {
      const { answer, ended } = routes.get(call.method.path) as Route;
      return facts.on === NOBODY ? runInCall(call, answer, call) : told(call, answer, ended);
    },
  };

  /** Somebody listens, though not always to calls. */
  function told(call: Call, answer: Answer, ended: Ended): Reply | Promise<Reply> {
    const { on } = facts;
    if (on["reply-unsent"] !== undefined) call.origin?.onEnd(ended);
    if (on["call-ended"] === undefined && on["call-began"] === undefined) return runInCall(call, answer, call);
    return toldCall(facts, "server", async (counted) => runInCall(counted, answer, counted), call);
  }

  /** Interceptors speak promises; an answer that is at hand becomes one for them. What they throw is a status too. */
  function wrap(answer: Answer, interceptors: readonly Interceptor[]): Answer {
    const handler = intercept(async (call): Promise<Reply> => {
      if (call.method.requestStream) call.get(requestsOf)?.handOn();
      return runHandedOn(call, answer);
    }, interceptors);
    return async (call) => {
      try {
        return checkedReply(await handler(sendableOnce(call)));
      } catch (thrown) {
        throw toStatus(call, thrown);
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
