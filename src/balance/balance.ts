import { noteBegin } from "../core/attempt-time.ts";
import type { Call, Handler, Reply } from "../core/call.ts";
import type { ChannelState } from "../core/channel-state.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { Code } from "../core/code.ts";
import { NEVER } from "../core/deadline.ts";
import { type Facts, factsOf, NOBODY } from "../core/facts.ts";
import { rejectedLater } from "../core/later.ts";
import type { Logger } from "../core/logger.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { ServiceView } from "../core/service-view.ts";
import type { Peer } from "../core/transport.ts";
import type { Resolver } from "../registry/registry.ts";
import type { Balancer } from "./balancer.ts";
import { pickedPeer, pickFailure } from "./checked.ts";
import type { Connect, Pool } from "./pool.ts";
import { createPools } from "./pools.ts";
import { roundRobin } from "./round-robin.ts";
import { toldAttempt } from "./told-attempt.ts";
import { waitForPeer } from "./wait.ts";
import { type ReadyOptions, whenReady } from "./when-ready.ts";

export interface BalanceOptions {
  readonly resolver: Resolver;
  /**
   * Whether `unix:` addresses that the resolver lists are connected to; by default only where it is `local`. Others are
   * left out, with a warning.
   */
  readonly unixAddresses?: boolean | undefined;
  /** Makes the peer for an endpoint: the breaker around the transport. `changed` is called when its state has changed. */
  readonly connect: Connect;
  /** `roundRobin()` by default. */
  readonly balancer?: Balancer | undefined;
  /**
   * Milliseconds that a call waits for an endpoint: for a first one to be found, or for one that is still connecting.
   * 3,000 by default, and never beyond the call's deadline.
   */
  readonly resolveTimeoutMs?: number | undefined;
  /**
   * Milliseconds over which a peer that has just become ready is given its full share of the calls; 0, the default,
   * gives it at once.
   */
  readonly slowStartMs?: number | undefined;
  /** Milliseconds that endpoints of a sudden large loss are kept while they work; 30,000 by default. See `doubt.ts`. */
  readonly doubtMs?: number | undefined;
  /** Milliseconds without a call after which a service's servers and their watch are let go; never by default. */
  readonly idleTimeoutMs?: number | undefined;
  /** Who is told of what happens, in place of `logger`. */
  readonly facts?: Facts | undefined;
  /** Silent by default. */
  readonly logger?: Logger | undefined;
  readonly clock?: Clock | undefined;
  /** A random number from 0 to 1; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

export interface Balance {
  /** Sends a call to one of its service's peers. */
  readonly handle: Handler;
  /** The peers of a service, those that are not ready too; empty for a service that was never called. */
  peers(service: string): readonly Peer[];
  /** How a service's servers stand, for the record of a call; `undefined` where the service is idle. */
  view(service: string): ServiceView | undefined;
  /** Where the way to a service stands. Begins nothing. */
  state(service: string): ChannelState;
  /** Of each service that is in use. */
  states(): Readonly<Record<string, ChannelState>>;
  /** Begins to look for the service's servers, and resolves once a call can be sent. */
  ready(service: string, options: ReadyOptions): Promise<void>;
  /** Tells the state now, and whenever it has changed, until the returned function is called. Begins nothing. */
  watchState(service: string, listener: (state: ChannelState) => void): () => void;
  /** Ends every wait and refuses new calls. Resolves when calls in flight have finished and every peer is closed. */
  close(): Promise<void>;
}

/**
 * Turns a call to a service into a call to one peer. Stands below the retry, so that each attempt picks anew, and above
 * each peer's breaker and transport. Servers are looked up at the first call of a service, and watched from then on.
 *
 * Where no peer can take the call it waits for one, as long as one may come: nothing was found yet, or a peer is still
 * connecting. Where every peer has failed or has an open circuit it fails at once with UNAVAILABLE, as unprocessed; a call
 * that is to `waitForReady` waits then too.
 */
export function balance(options: BalanceOptions): Balance {
  const { resolver, connect, balancer = roundRobin(), clock = systemClock, random = Math.random } = options;
  const { resolveTimeoutMs = 3_000, slowStartMs = 0, doubtMs = 30_000, idleTimeoutMs = NEVER } = options;
  const { unixAddresses = resolver.local === true } = options;
  const facts = factsOf(options);
  const waits = { resolveTimeoutMs, slowStartMs, doubtMs, idleTimeoutMs };
  const pools = createPools({ resolver, unixAddresses, connect, balancer, facts, clock, random, ...waits });

  // The happy path makes no promise of its own: the peer's is handed on.
  function handle(call: Call): Promise<Reply> {
    let pool: Pool;
    let peer: Peer | undefined;
    try {
      pool = pools.of(call.method.service);
      peer = pool.pick(call);
      if (peer !== undefined && !call.waitForReady) return send(peer, call);
    } catch (error) {
      return rejectedLater(pickFailure(error, peer));
    }
    return call.waitForReady ? handlePatiently(pool, peer, call) : later(pool, call);
  }

  async function later(pool: Pool, call: Call): Promise<Reply> {
    const startedMs = clock.now();
    try {
      const peer = await waitForPeer(pool, call, clock);
      return await send(peer, call, clock.now() - startedMs);
    } catch (error) {
      noteBegin(error, startedMs);
      throw error;
    }
  }

  function send(peer: Peer, call: Call, waitedMs?: number): Promise<Reply> {
    return facts.on === NOBODY ? peer.handle(call) : toldAttempt(facts, clock, peer, call, waitedMs);
  }

  /** Where its peer is lost before the call could be sent to it, it waits on. */
  async function handlePatiently(from: Pool, picked: Peer | undefined, call: Call): Promise<Reply> {
    let pool = from;
    let peer = picked;
    for (;;) {
      const startedMs = clock.now();
      const waits = peer === undefined;
      peer = pickedPeer(peer) ?? (await waitForPeer(pool, call, clock));
      try {
        return await send(peer, call, waits ? clock.now() - startedMs : undefined);
      } catch (error) {
        if (!isUnsent(error, peer, call)) throw error;
      }
      peer = undefined;
      pool = pools.of(call.method.service);
    }
  }

  return {
    handle,
    peers: (service) => pools.known(service)?.peers ?? [],
    view: (service) => pools.known(service)?.view,
    state: pools.state,
    states: pools.states,
    ready: async (service, ready) => whenReady(pools.of(service), service, ready, clock),
    watchState: pools.watchState,
    close: pools.close,
  };
}

/** A stream of requests is left to the retry, which knows whether it was read from. */
function isUnsent(error: unknown, peer: Peer, { method, cancellation }: Call): boolean {
  if (!RpcError.is(error) || error.code !== Code.UNAVAILABLE || !error.unprocessed) return false;
  return !peer.ready && !method.requestStream && cancellation?.reason === undefined;
}
