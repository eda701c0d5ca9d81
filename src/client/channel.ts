import { balance } from "../balance/balance.ts";
import type { Balancer } from "../balance/balancer.ts";
import { canary } from "../balance/canary.ts";
import { roundRobin } from "../balance/round-robin.ts";
import type { ReadyOptions } from "../balance/when-ready.ts";
import { type BreakerOptions, breaker } from "../breaker/breaker.ts";
import type { Handler, Interceptor } from "../core/call.ts";
import { rethrownAtCallSite } from "../core/call-site.ts";
import { certificateTimes } from "../core/certificate.ts";
import { watchCertificate } from "../core/certificate-watch.ts";
import type { ChannelState } from "../core/channel-state.ts";
import { checkObserver } from "../core/check-observers.ts";
import { askForCurrentCall } from "../core/context.ts";
import type { Endpoint } from "../core/endpoint.ts";
import { createFacts, NOBODY, type Observer } from "../core/facts.ts";
import { heldTls } from "../core/held-tls.ts";
import type { Logger } from "../core/logger.ts";
import type { Method, Service } from "../core/method.ts";
import type { ChannelPolicy, Policy } from "../core/policies.ts";
import { checkPolicyMethods } from "../core/policy-names.ts";
import { EVERY_SERVICE, type PolicySource } from "../core/policy-source.ts";
import { requireNode } from "../core/require-node.ts";
import { shownAs } from "../core/shown-as.ts";
import { toldCall } from "../core/told-call.ts";
import type { ClientTls, ConnectOptions, Transport } from "../core/transport.ts";
import type { Resolver } from "../registry/registry.ts";
import { staticRegistry } from "../registry/static.ts";
import { retry } from "../retry/retry.ts";
import { http2 } from "../transport/http2/index.ts";
import { checkChannelOptions, checkCloseTimeout, checkStateListener, nameOf, nowhere } from "./check-channel.ts";
import { healthChecked } from "./health-check.ts";
import { operatedPolicies } from "./operated.ts";
import { interceptOwn } from "./own-failures.ts";
import { sharedConnections } from "./shared-connections.ts";

interface EveryChannel extends Omit<ConnectOptions, "changed" | "facts"> {
  /** The native HTTP/2 by default. */
  readonly transport?: Transport | undefined;
  /** `roundRobin` by default. */
  readonly balancer?: Balancer | undefined;
  /**
   * Calls a server only while its own `grpc.health.v1` Watch says SERVING: `true` asks after the server as a whole, a
   * name after that service. Off by default: one stream more for each server, and servers leave the registry first.
   */
  readonly healthCheck?: boolean | string | undefined;
  /** When a server's circuit opens; `false` for none. */
  readonly breaker?: BreakerOptions | false | undefined;
  /** How calls are made, over what the contract says; a call's own options stand over it. */
  readonly policy?: ChannelPolicy | undefined;
  /** What operators say while it runs, over `policy`: `etcdPolicies("http://127.0.0.1:2379")`. None by default. */
  readonly policies?: PolicySource | undefined;
  /** Around every call: the first is the outermost, and sees a retried call once. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** Around every attempt at a call. */
  readonly attemptInterceptors?: readonly Interceptor[] | undefined;
  /** Silent by default; hand in a pino logger. */
  readonly logger?: Logger | undefined;
  /** Told of what happens as it happens: calls, attempts, circuits, connections, the registry's word. */
  readonly observers?: readonly Observer[] | undefined;
  /**
   * Notes at each call where it was made, for the stack of the error that it may end in. False by default: the stack then
   * shows who awaits the call, as V8 can tell at no cost, which is nobody where a promise was put away for later.
   */
  readonly callerStacks?: boolean | undefined;
  /** Milliseconds a call waits for a first server to be found; 3,000 by default, and never beyond its deadline. */
  readonly resolveTimeoutMs?: number | undefined;
  /** Milliseconds over which a server that has just become ready is given its full share; 0, at once, by default. */
  readonly slowStartMs?: number | undefined;
  /**
   * Milliseconds without a call after which a service's connections, and the watch of the registry for it, are let go; the
   * next call makes them anew. 1,800,000 by default, half an hour, as gRPC's clients have it; never with `Infinity`.
   */
  readonly idleTimeoutMs?: number | undefined;
  /** Milliseconds that servers of a sudden large loss are kept while they work; 30,000 by default. */
  readonly doubtMs?: number | undefined;
}

interface FoundServers extends EveryChannel {
  /**
   * Where servers are found, by the full names of their services. With `tls` name them all by `tls.serverName`: otherwise
   * the name to verify is what the registry says, and a warning is logged.
   */
  readonly registry: Resolver;
  /**
   * Whether `unix:` addresses that the registry lists are connected to. By default only those of a static or memory
   * registry: who can write to any other could point this process at sockets of its own machine.
   */
  readonly unixAddresses?: boolean | undefined;
  /** Instead of a registry. */
  readonly endpoints?: undefined;
}

interface GivenServers extends EveryChannel {
  /** The servers themselves, without a registry: `["127.0.0.1:50051"]`. */
  readonly endpoints: readonly (string | Endpoint)[];
  /** Instead of endpoints: where servers are found. */
  readonly registry?: undefined;
}

export type ChannelOptions = FoundServers | GivenServers;

/** A service, of which only the full name is asked for. */
type ServiceName = Pick<Service, "name">;

/** The way to services: what clients are made over. */
export interface Channel {
  readonly handle: Handler;
  /**
   * True where no interceptor stands in the way, so that all that a call waits for hears by itself of its deadline and
   * its end. Otherwise a client holds its calls to both from outside.
   */
  readonly direct?: boolean | undefined;
  /** Whether clients note at each call where it was made. */
  readonly callerStacks?: boolean | undefined;
  /** When the certificate that it shows to servers ends, or one of those sent with it; `undefined` where it shows none. */
  readonly certificateExpiresAt?: Date | undefined;
  /** How calls of a method are made where the call does not say. */
  policyOf(method: Method): Policy;
  /** Adds an observer, as `observers` does, until the returned function is called. */
  observe?(observer: Observer): () => void;
  /** Whether `policyOf` may come to say otherwise: a client asks it at each call then. */
  readonly policiesChange?: boolean | undefined;
  /**
   * Told of each service that a client is made for.
   * @throws TypeError where the channel's policy names a method that the service has not
   */
  checkService?(service: Service<any>): void;
  /** Where the way to a service stands: `channel.state(Greeter)`. Only looks. */
  state(service: ServiceName): ChannelState;
  /**
   * Connects, and resolves once a call of the service can be sent: `await channel.ready(Greeter, { timeoutMs: 3_000 })`.
   * @throws RpcError DEADLINE_EXCEEDED that says what is missing, or CANCELLED, also where the channel is closed
   */
  ready(service: ServiceName, options?: ReadyOptions): Promise<void>;
  /**
   * Tells the state of a service now, and whenever it has changed, until the returned function is called. Only looks: by
   * itself it neither connects nor keeps connections.
   */
  watchState(service: ServiceName, listener: (state: ChannelState) => void): () => void;
  /** Lets calls in flight finish, for 10 s at most or `timeoutMs`, then disconnects; `Infinity` lets them take their time. */
  close(timeoutMs?: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes a channel. It returns at once; servers are looked up at the first call of their service. One that nobody closes
 * keeps the process alive only while a call is under way.
 * @throws TypeError that names an option that cannot be, and what it can be
 *
 * The stack, from the outside in, and why it stands so:
 * - facts of calls, where somebody listens: outermost, they tell what the user sees.
 * - `interceptors`: above the retry, they see what the user sees.
 * - `retry`: above the balancer, so that each attempt picks anew.
 * - `attemptInterceptors`: below the retry, they see each attempt.
 * - `balance`: turns a call to a service into a call to one peer.
 * - `breaker`: below the balancer, one circuit a peer; an open one clears `ready`, and the picker walks around it.
 * - `healthChecked`: below the shared connections, one Watch each, where `healthCheck` asks for it.
 * - `transport`: the wire to one address.
 */
export function createChannel(options: ChannelOptions): Channel {
  requireNode();
  askForCurrentCall();
  checkChannelOptions(options);
  const { transport = http2(), balancer = roundRobin() } = options;
  const facts = createFacts(options);
  transport.check?.(options);
  const tls = options.tls && heldTls(options.tls, "client", facts);
  const { interceptors = [], attemptInterceptors = [], idleTimeoutMs = 1_800_000 } = options;
  const resolver = resolverOf(options);
  if (isAnyNameTaken(resolver, tls?.())) {
    facts.on["server-name-open"]?.({});
  }
  const { healthCheck = false } = options;
  const service = healthCheck === true ? "" : healthCheck;
  const wire = service === false ? transport : healthChecked(transport, { service, facts });
  const connections = sharedConnections(wire, { ...options, tls, facts });
  const circuit = options.breaker;
  const breakerFacts = facts.loggedBy(circuit === false ? undefined : circuit?.logger);
  const connect = (endpoint: Endpoint, changed: () => void, service: string) =>
    breaker(connections.connect(endpoint, changed), circuit, changed, {
      service,
      facts: breakerFacts,
      ...(options.policies && {
        ejection: () => operated.said(service)?.ejection ?? operated.said(EVERY_SERVICE)?.ejection,
      }),
    });

  const operated = operatedPolicies(options.policy, options.policies, facts, options.logger);
  const { policyOf } = operated;

  const canaryOf = (service: string) => operated.said(service)?.canary;
  const parted = options.policies === undefined ? balancer : canary(balancer, { canaryOf });
  const toService = balance({ ...options, idleTimeoutMs, resolver, balancer: parted, connect, facts });
  const toAttempt = interceptOwn(toService.handle, attemptInterceptors);
  const handleCall = interceptOwn(retry({ policyOf, facts, view: toService.view })(toAttempt), interceptors);
  const handle: Handler = (call) =>
    facts.on === NOBODY ? handleCall(call) : toldCall(facts, "client", handleCall, call);

  const stopWatching = tls && watchCertificate(tls, facts);
  let closing: Promise<void> | undefined;
  const channel: Channel = {
    handle,
    direct: interceptors.length === 0 && attemptInterceptors.length === 0,
    callerStacks: options.callerStacks,
    get certificateExpiresAt() {
      return tls && certificateTimes(tls())?.expiresAt;
    },
    policyOf: (method) => policyOf(method),
    observe: (observer) => {
      checkObserver(observer);
      return facts.add(observer);
    },
    policiesChange: options.policies !== undefined,
    checkService(service) {
      checkPolicyMethods(options.policy ?? {}, service);
      operated.look(service);
    },
    state: (service) => toService.state(nameOf(service)),
    ready: (service, ready = {}) => toService.ready(nameOf(service), ready).catch(rethrownAtCallSite),
    watchState(service, listener) {
      checkStateListener(listener);
      return toService.watchState(nameOf(service), listener);
    },
    async close(timeoutMs = 10_000) {
      checkCloseTimeout(timeoutMs);
      stopWatching?.();
      operated.stop();
      closing ??= toService.close();
      connections.endWithin(timeoutMs);
      await closing;
    },
    [Symbol.asyncDispose]: () => channel.close(),
  };
  return shownAs(channel, "Channel", () => ({ services: toService.states() }));
}

/** The name that TLS verifies would be the registry's word. */
function isAnyNameTaken({ local = false }: Resolver, tls: ClientTls | undefined): boolean {
  return tls !== undefined && tls.serverName === undefined && !local;
}

function resolverOf({ registry, endpoints }: ChannelOptions): Resolver {
  if (registry !== undefined) return registry;
  if (endpoints !== undefined) return staticRegistry(endpoints);
  throw nowhere();
}
