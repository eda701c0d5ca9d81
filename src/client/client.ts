import type { Reply } from "../core/call.ts";
import { type CallSite, siteAbove } from "../core/call-site.ts";
import { checkService } from "../core/check-service.ts";
import type { MessageInit } from "../core/message.ts";
import type {
  BidiStreaming,
  ClientStreaming,
  Method,
  MethodsOf,
  ServerStreaming,
  Service,
  Unary,
} from "../core/method.ts";
import { checkKind, having, type OptionKind } from "../core/option-kinds.ts";
import type { Policy } from "../core/policies.ts";
import {
  checkInterceptorNames,
  interceptorsOf,
  type OfMethod,
  type ServiceInterceptors,
} from "../core/service-interceptors.ts";
import { shownAs } from "../core/shown-as.ts";
import { sized } from "../core/sized.ts";
import type { CallOptions } from "./call-options.ts";
import type { Channel } from "./channel.ts";
import { failureOf } from "./failure.ts";
import { inScope } from "./in-scope.ts";
import { type CallDefaults, makeCall } from "./make-call.ts";
import { interceptOwn } from "./own-failures.ts";
import { ReplyStream } from "./reply-stream.ts";

/** Messages to send, one after the other. */
export type Requests<T> = AsyncIterable<MessageInit<T>> | Iterable<MessageInit<T>>;

type ClientMethod<M> =
  M extends Unary<infer I, infer O, infer X>
    ? (request: MessageInit<I>, options?: CallOptions<X>) => Promise<O>
    : M extends ServerStreaming<infer I, infer O, infer X>
      ? (request: MessageInit<I>, options?: CallOptions<X>) => AsyncIterableIterator<O, undefined>
      : M extends ClientStreaming<infer I, infer O, infer X>
        ? (requests: Requests<I>, options?: CallOptions<X>) => Promise<O>
        : M extends BidiStreaming<infer I, infer O, infer X>
          ? (requests: Requests<I>, options?: CallOptions<X>) => AsyncIterableIterator<O, undefined>
          : never;

/** A service as a client calls it: `Client<typeof Greeter>`. */
export type Client<S> = { readonly [K in keyof MethodsOf<S>]: ClientMethod<MethodsOf<S>[K]> };

const channelKind: OptionKind = {
  ...having(["handle", "policyOf"], "createChannel()"),
  remedy: 'give one that is made: createChannel({ endpoints: ["127.0.0.1:50051"] })',
};

type AnyOptions = CallOptions<"IDEMPOTENT">;

/**
 * Makes the typed client of a service. It holds nothing: make as many as you like, and close the channel.
 *
 * A stream begins when it is first read, and leaving its `for await` early cancels it.
 * @param options interceptors of this client, around those of its channel: of a method outermost, then of the service
 */
export function createClient<M>(
  service: Service<M>,
  channel: Channel,
  options: ServiceInterceptors<M> = {},
): Client<M> {
  checkService(service, "createClient");
  checkKind("the channel of createClient", channel, channelKind);
  checkInterceptorNames(options, "createClient");
  channel.checkService?.(service);
  const client: Record<string, unknown> = {};
  const own = interceptorsOf(service, options);
  const { callerStacks = false } = channel;
  for (const [key, declared] of Object.entries(service.methods as Record<string, Method>)) {
    const through = withinOwn(channel, own(key));
    const callMethod =
      channel.policiesChange === true
        ? asPoliciesSay(declared, through)
        : byPolicy(declared, channel.policyOf(declared), through);
    client[key] = callerStacks ? notingCallers(callMethod) : callMethod;
  }
  // The one cast on the way in: each function above has the shape that its method's kind asks for.
  return shownAs(client, "Client", () => ({ service: service.name, methods: Object.keys(client) })) as Client<M>;
}

/** The channel as one method of a client sees it: behind the client's own interceptors. */
function withinOwn(channel: Channel, { ofService, ofMethod }: OfMethod): Channel {
  const interceptors = [...ofMethod, ...ofService];
  if (interceptors.length === 0) return channel;
  return { ...channel, direct: false, handle: interceptOwn(channel.handle, interceptors) };
}

function byPolicy(declared: Method, policy: Policy, channel: Channel): CallMethod<unknown> {
  const make: typeof unaryMethod | typeof streamingMethod = declared.responseStream ? streamingMethod : unaryMethod;
  return make(sized(declared, policy), policy, channel);
}

/** Each call follows the policy that holds when it is made: the same object while nothing has changed. */
function asPoliciesSay(declared: Method, channel: Channel): CallMethod<unknown> {
  let policy = channel.policyOf(declared);
  let callMethod = byPolicy(declared, policy, channel);
  return (request, options, site) => {
    const now = channel.policyOf(declared);
    if (now !== policy) {
      policy = now;
      callMethod = byPolicy(declared, now, channel);
    }
    return callMethod(request, options, site);
  };
}

type CallMethod<T> = (request: any, options?: AnyOptions, site?: CallSite) => T;

function unaryMethod(method: Method, defaults: CallDefaults, channel: Channel): CallMethod<Promise<unknown>> {
  const foreign = channel.direct !== true;
  const failed = (error: unknown): never => {
    throw failureOf(method, error, { above: failed, foreign });
  };
  return function call(request, options, site) {
    try {
      const call = makeCall(method, request, defaults, options, channel.direct);
      const reply = call.cancellation === undefined ? channel.handle(call) : inScope(channel, call);
      const watched = options?.onHeader !== undefined || options?.onTrailer !== undefined;
      const failing = site === undefined ? failed : failedAt(site);
      return reply.then(watched ? (reply) => observed(reply, options) : responseOf, failing);
    } catch (error) {
      return Promise.reject(failureOf(method, error, { above: call, site }));
    }
  };

  function failedAt(site: CallSite): (error: unknown) => never {
    return (error) => {
      throw failureOf(method, error, { above: failed, foreign, site });
    };
  }
}

function streamingMethod(method: Method, defaults: CallDefaults, channel: Channel): CallMethod<ReplyStream> {
  return (request, options, site) =>
    new ReplyStream(channel, { method, make: () => makeCall(method, request, defaults, options), site }, options);
}

/** Notes at each call where it was made. */
function notingCallers(callMethod: CallMethod<unknown>): CallMethod<unknown> {
  return function noted(request, options) {
    return callMethod(request, options, siteAbove(noted));
  };
}

function responseOf(reply: Reply): unknown {
  return reply.response;
}

function observed(reply: Reply, options: AnyOptions | undefined): unknown {
  options?.onHeader?.(reply.header);
  options?.onTrailer?.(reply.trailer);
  return reply.response;
}
