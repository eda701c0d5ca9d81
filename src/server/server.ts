import { formatMethods, METHODS } from "../balance/methods.ts";
import type { Interceptor } from "../core/call.ts";
import { certificateTimes } from "../core/certificate.ts";
import { watchCertificate } from "../core/certificate-watch.ts";
import { checkObserver } from "../core/check-observers.ts";
import { checkService } from "../core/check-service.ts";
import { now } from "../core/deadline.ts";
import { createFacts, type Observer } from "../core/facts.ts";
import { plainAddress } from "../core/grpc-address.ts";
import { heldTls } from "../core/held-tls.ts";
import type { Logger } from "../core/logger.ts";
import type { Method, Service } from "../core/method.ts";
import type { PolicySource } from "../core/policy-source.ts";
import { requireNode } from "../core/require-node.ts";
import { checkInterceptorNames, interceptorsOf, type ServiceInterceptors } from "../core/service-interceptors.ts";
import { shownAs } from "../core/shown-as.ts";
import type { Acceptor, Listener, ListenOptions, Transport } from "../core/transport.ts";
import type { Registrar, Registration } from "../registry/registry.ts";
import { http2 } from "../transport/http2/index.ts";
import { advertisedAddress } from "./advertise.ts";
import { checkDrain, checkImplementation, checkListenAddress, checkServerOptions } from "./check-server.ts";
import { type DrainOptions, finishCalls, quiet } from "./drain.ts";
import { createDraining } from "./draining.ts";
import { createHealth, type Health } from "./health.ts";
import type { Fits, Implementation } from "./implementation.ts";
import { operatedServer } from "./operated.ts";
import { reflectionOf } from "./reflection.ts";
import { type Routed, route } from "./route.ts";

export interface ServerOptions extends Omit<ListenOptions, "facts"> {
  /** Where to announce the services; without one, clients must be told the address. */
  readonly registry?: Registrar | undefined;
  /** What the registration says of this server: `version`, `zone`, `weight`, or facts of your own. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /**
   * What operators say while it runs: limits of rates, over which no interceptor is asked, and the level of `logger`. None
   * by default.
   */
  readonly policies?: PolicySource | undefined;
  /** The native HTTP/2 by default. */
  readonly transport?: Transport | undefined;
  /**
   * Around every handler; the first is the outermost. Those of a service, and of a method, given to `add`, stand within.
   * Health and reflection are left alone: a probe has no token.
   */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** Around health and reflection, which this server answers by itself; none by default. */
  readonly builtInInterceptors?: readonly Interceptor[] | undefined;
  /** Silent by default; hand in a pino logger. */
  readonly logger?: Logger | undefined;
  /** Told of what happens as it happens: calls, connections, limits, the registration, the drain. */
  readonly observers?: readonly Observer[] | undefined;
  /** Serve `grpc.reflection`, so that grpcurl, `buf curl` and `trunkline call` need no `.proto`; true by default. */
  readonly reflection?: boolean | undefined;
  /** How `close()` waits. */
  readonly drain?: DrainOptions | undefined;
}

export interface ListenAddress {
  /**
   * What to announce where others reach this server under another address: `host` or `host:port`. Without a registry
   * nothing is announced, and it is checked all the same.
   */
  readonly advertise?: string | undefined;
}

export interface Server {
  /**
   * Serves a service by these functions, and within interceptors of its own. Before `listen`.
   * @param implementation a function for each method, `Implementation<typeof Orders>`: of the request, or the stream of
   * them, and a `HandlerContext`
   * @param options interceptors within the server's: of the service, then of single methods
   *
   * ```ts
   * server.add(Orders, orders, { interceptors: [signedIn], methodInterceptors: { refund: [onlyClerks] } });
   * ```
   */
  add<M, T extends Implementation<M>>(
    service: Service<M>,
    implementation: Fits<T, M>,
    options?: ServiceInterceptors<M>,
  ): Server;
  /**
   * Binds `host:port` (`:0` for any free port; IPv6 in brackets), `unix:` and a path, or an address as gRPC writes it
   * (`dns:///localhost:50051`, `unix-abstract:name`), then announces the services.
   * @returns the address it is bound to
   * @throws RpcError UNAVAILABLE when the address cannot be bound; Error once `close` was called, before or meanwhile.
   * Whatever it throws, nothing listens
   */
  listen(address: string, options?: ListenAddress): Promise<string>;
  /** What it is bound to; `undefined` before `listen`. */
  readonly address: string | undefined;
  /** When the certificate that it shows ends, or one of those sent with it; `undefined` without TLS. */
  readonly certificateExpiresAt: Date | undefined;
  /**
   * Resolves when the registry first holds this server, or when it is closed before that; at once without a registry, and
   * before `listen`. Never rejects: a registry that is away is tried again.
   */
  readonly registered: Promise<void>;
  /** Adds an observer, as `observers` does, until the returned function is called. */
  observe(observer: Observer): () => void;
  /** The status that `grpc.health.v1` reports, service by service: SERVING once it listens, unless set otherwise before. */
  readonly health: Pick<Health, "set">;
  /**
   * Takes the server out without losing a call: NOT_SERVING, out of the registry, serve on until no new call has come
   * for a while, tell connections to go away, tell handlers by `context.draining`, finish what is in flight. Bounded by
   * `drain`, and by nothing else: a dead registry does not hold it up, nor do health and reflection. A second call joins
   * the first. Without a registry it waits for quiet only where `quietMs` is given. Called before `listen`, or while that is under way, it keeps the server from ever listening.
   */
  close(options?: DrainOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Each service's entry says which methods it has: those of the others are nothing to whoever looks for it. */
function methodsOf({ name, methods }: Service<any>): Readonly<Record<string, string>> {
  return {
    [METHODS]: formatMethods(
      name,
      Object.values<Method>(methods).map((each) => each.name),
    ),
  };
}

/** Counts the calls that come in, for a drain to see when they stop coming. */
function counting(acceptor: Acceptor, arrived: () => void): Acceptor {
  const { method, unknown, handle } = acceptor;
  return {
    method,
    unknown,
    handle(call) {
      arrived();
      return handle(call);
    },
  };
}

/**
 * Makes a server. It does nothing until `listen`.
 * @throws TypeError that names an option that cannot be, and what it can be
 */
export function createServer(options: ServerOptions = {}): Server {
  requireNode();
  checkServerOptions(options);
  const { registry, transport = http2(), reflection = true } = options;
  const facts = createFacts(options);
  transport.check?.(options);
  const tls = options.tls && heldTls(options.tls, "server", facts);
  const { interceptors = [], builtInInterceptors = [] } = options;
  const served: Routed[] = [];
  const health = createHealth();
  const draining = createDraining();
  let arrived = 0;
  let listener: Listener | undefined;
  let listening: Promise<string> | undefined;
  let registration: Registration | undefined;
  let closing: Promise<void> | undefined;
  let stopWatching: (() => void) | undefined;
  const operated = options.policies && operatedServer(options.policies, facts, options.logger);

  async function listen(address: string, { advertise }: ListenAddress): Promise<string> {
    const announced = served.map(({ service }) => service);
    const builtIn = [health.served, ...(reflection ? reflectionOf([...announced, health.served.service]) : [])];
    const all = [...served, ...builtIn.map((each) => ({ ...each, interceptorsOf: () => builtInInterceptors }))];
    const plain = plainAddress(address);
    const acceptor = counting(route(all, { facts, draining, address: plain }), () => {
      arrived++;
    });
    operated?.start(announced, plain);
    const bound = await transport.listen(plain, acceptor, { ...options, tls, facts });
    try {
      if (closing !== undefined) throw new Error(`the server was closed before it listened on ${address}`);
      registration = announce(announced, bound.address, advertise);
    } catch (error) {
      await bound.close();
      throw error;
    }
    listener = bound;
    stopWatching = tls && watchCertificate(tls, facts);
    for (const { name } of [...announced, { name: "" }]) health.begin(name);
    facts.on.listening?.({ address: bound.address, services: announced.map(({ name }) => name) });
    return bound.address;
  }

  /** @throws TypeError for an address that nobody can connect to */
  function announce(
    services: readonly Service<any>[],
    bound: string,
    advertise: string | undefined,
  ): Registration | undefined {
    const address = advertisedAddress(bound, advertise);
    if (registry === undefined || services.length === 0) return undefined;
    const endpoint = { address, ...(options.metadata === undefined ? {} : { metadata: options.metadata }) };
    const metadataOf = Object.fromEntries(services.map((service) => [service.name, methodsOf(service)]));
    return registry.register({ services: services.map(({ name }) => name), endpoint, metadataOf }, facts);
  }

  // The order is the promise of `close`: nobody is sent here any more before anybody is sent away.
  async function close(drain: DrainOptions): Promise<void> {
    await listening?.catch(() => {});
    if (listener === undefined) return;
    const bound = listener;
    const { address } = bound;
    const beganMs = now();
    facts.on["drain-began"]?.({ address, inflight: bound.inflight });
    health.shutdown();
    await registration?.close().catch((error: unknown) => {
      facts.on["deregistration-failed"]?.({ error });
    });
    if (registration !== undefined || drain.quietMs !== undefined) await quiet(() => arrived, drain);
    bound.drain();
    health.endWatches();
    draining.begin();
    await finishCalls(bound, drain);
    const left = bound.inflight;
    facts.on["drain-ended"]?.({ address, left, tookMs: now() - beganMs });
    if (left > 0) facts.on["calls-cut"]?.({ address, left });
    await bound.close();
    stopWatching?.();
    operated?.stop();
    facts.on["server-closed"]?.({ address });
  }

  const server: Server = {
    add(service, implementation, own = {}) {
      checkService(service, "add");
      if (listening !== undefined) throw new Error(`add ${service.name} before listen`);
      if (served.some((each) => each.service.name === service.name)) {
        throw new Error(`${service.name} was added already`);
      }
      checkInterceptorNames(own, "add");
      checkImplementation(service, implementation);
      const within = interceptorsOf(service, own);
      served.push({
        service,
        implementation,
        gate: operated,
        interceptorsOf(key) {
          const { ofService, ofMethod } = within(key);
          return [...interceptors, ...ofService, ...ofMethod];
        },
      });
      return server;
    },
    listen(address, listenAddress = {}) {
      if (closing !== undefined) return Promise.reject(new Error("this server has been closed: make another"));
      if (listening !== undefined) return Promise.reject(new Error("this server listens already"));
      try {
        checkListenAddress(address, listenAddress);
      } catch (error) {
        return Promise.reject(error);
      }
      const attempt = listen(address, listenAddress);
      listening = attempt;
      attempt.catch(() => {
        listening = undefined; // The port was taken, say: another may be tried.
        operated?.stop();
      });
      return attempt;
    },
    get address() {
      return listener?.address;
    },
    get certificateExpiresAt() {
      return tls && certificateTimes(tls())?.expiresAt;
    },
    get registered() {
      return registration?.registered ?? Promise.resolve();
    },
    observe(observer) {
      checkObserver(observer);
      return facts.add(observer);
    },
    health,
    async close(drain = {}) {
      checkDrain(drain, "close");
      closing ??= close({ ...options.drain, ...drain });
      await closing;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
  const services = () => served.map(({ service }) => service.name);
  return shownAs(server, "Server", ({ address }) => ({ address, services: services() }));
}
