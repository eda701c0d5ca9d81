import type { Call } from "../core/call.ts";
import type { ChannelState } from "../core/channel-state.ts";
import type { Clock } from "../core/clock.ts";
import { Code } from "../core/code.ts";
import { isConnected } from "../core/connected.ts";
import type { Endpoint } from "../core/endpoint.ts";
import type { Facts } from "../core/facts.ts";
import { createPace, restMs } from "../core/pace.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { ServiceView } from "../core/service-view.ts";
import type { Peer } from "../core/transport.ts";
import type { Resolver, Snapshot } from "../registry/registry.ts";
import type { Balancer } from "./balancer.ts";
import { nobodyListed, unavailable } from "./explain.ts";
import { createMembers, type Members } from "./members.ts";
import { createPickings, type Picking } from "./picking.ts";
import { createRefusals } from "./refusals.ts";
import type { StateWatch } from "./state-watch.ts";
import { viewOf } from "./view.ts";

export type Connect = (endpoint: Endpoint, changed: () => void, service: string) => Peer;

export interface PoolOptions {
  readonly resolver: Resolver;
  readonly unixAddresses: boolean;
  readonly connect: Connect;
  readonly balancer: Balancer;
  readonly resolveTimeoutMs: number;
  readonly slowStartMs: number;
  readonly doubtMs: number;
  readonly facts: Facts;
  readonly clock: Clock;
  readonly random: () => number;
}

export interface Watcher {
  /** Something changed: a pick may come out differently. */
  changed(): void;
  closed(error: RpcError): void;
}

type Followers = Pick<StateWatch, "has" | "look">;

/** The peers of one service, and how to pick one. */
export interface Pool {
  readonly peers: readonly Peer[];
  /** How they stand, for the record of a call: the same until something changes, and in a large pool for a moment more. */
  readonly view: ServiceView;
  pick(call: Call): Peer | undefined;
  /** Until when, on the clock, a call that began to wait at `startedMs` may hope for a peer. */
  hopeUntilMs(call: Call, startedMs: number): number;
  /** Why no peer can take the call. */
  unavailable(call: Call): RpcError;
  readonly state: ChannelState;
  /** Why there is no peer, in words. */
  readonly trouble: string;
  /** Set at each call; whoever looks for idle pools clears it. */
  used: boolean;
  /** True while calls wait here, or are under way at its peers. */
  readonly busy: boolean;
  /** Has some that failed, or have an open circuit, tried again soon: somebody wants them. */
  hurry(call?: Call): void;
  /** Returns how to stop watching. */
  watch(watcher: Watcher): () => void;
  close(): Promise<void>;
}

export function createPool(service: string, options: PoolOptions, followers?: Followers): Pool {
  const { resolver, resolveTimeoutMs, facts, random, clock } = options;
  const watchers = new Set<Watcher>();
  const readySinceMs = (address: string): number => members.readySinceMs(address);
  const pickings = createPickings({ ...options, readySinceMs });
  const members: Members = createMembers(service, { ...options, pickings }, changed);
  const refusals = createRefusals({ service, all: members.all, clock, random });
  const hearing = createPace(takeIn, clock);
  const telling = createPace(tell, clock);
  let heard: Snapshot | undefined;
  // `undefined` when something has changed since: made again at the next pick, not at each of many changes.
  let current: Picking | undefined;
  let before: Picking | undefined;
  let beforeStandsUntilMs = Number.NEGATIVE_INFINITY;
  let panic = false;
  let closed = false;
  let heardAtMs = 0;
  let view: ServiceView | undefined;
  let lastView: ServiceView | undefined;
  let lastViewStandsUntilMs = Number.NEGATIVE_INFINITY;

  const stopResolving = resolver.resolve(service, hear);

  function hear(snapshot: Snapshot): void {
    if (closed) return;
    heard = snapshot;
    heardAtMs = clock.now();
    view = undefined;
    hearing.ask();
    const { endpoints, state, reason, incomplete } = snapshot;
    facts.on["registry-snapshot"]?.({ service, endpoints: endpoints.length, state, reason, incomplete });
  }

  function takeIn(): number {
    if (heard === undefined) return 0;
    const { isNew, items } = members.hear(heard);
    if (isNew) changed();
    else tellSoon();
    return items;
  }

  function changed(): void {
    current = undefined;
    view = undefined;
    tellSoon();
  }

  function tellSoon(): void {
    if (watchers.size > 0 || followers?.has(service) === true) telling.ask();
  }

  function tell(): number {
    followers?.look(service);
    for (const watcher of [...watchers]) watcher.changed();
    return members.size;
  }

  /** Something has changed. In a large pool, where much does, the picks before stand a little longer if they can. */
  function pickAfterChange(call: Call): Peer | undefined {
    if (before !== undefined && clock.now() < beforeStandsUntilMs) {
      const peer = pickOneOf(before, call);
      if (peer !== undefined) return peer;
    }
    return pickAnew().pick(call);
  }

  function pickAnew(): Picking {
    current = pickings.next();
    before = current;
    const rest = restMs(members.size);
    beforeStandsUntilMs = rest === 0 ? Number.NEGATIVE_INFINITY : clock.now() + rest;
    if (current.panic !== panic) {
      panic = current.panic;
      facts.on[panic ? "panic-began" : "panic-ended"]?.({ service });
    }
    return current;
  }

  function state(): ChannelState {
    if (closed) return "SHUTDOWN";
    let connecting = members.size === 0 && heard === undefined;
    for (const { peer } of members.all()) {
      if (isConnected(peer)) return "READY";
      connecting ||= peer.state === "connecting";
    }
    return connecting ? "CONNECTING" : "TRANSIENT_FAILURE";
  }

  function viewNow(): ServiceView {
    if (view !== undefined) return view;
    if (lastView !== undefined && clock.now() < lastViewStandsUntilMs) return lastView;
    view = viewOf({ members, heard, heardAtMs, panic });
    lastView = view;
    const rest = restMs(members.size);
    lastViewStandsUntilMs = rest === 0 ? Number.NEGATIVE_INFINITY : clock.now() + rest;
    return view;
  }

  function explain(method: string | undefined): RpcError {
    if (members.size === 0) return nobodyListed(service, heard, members.refusal);
    const { text, isOwn } = refusals.reason(method);
    return unavailable(text, isOwn);
  }

  return {
    used: true,
    get busy() {
      return watchers.size > 0 || members.all().some(({ peer }) => peer.inflight > 0);
    },
    get state() {
      return state();
    },
    get trouble() {
      return explain(undefined).message;
    },
    get view() {
      return viewNow();
    },
    get peers() {
      return members.all().map(({ peer }) => peer);
    },
    pick: (call) => (current === undefined ? pickAfterChange(call) : current.pick(call)),
    hopeUntilMs(call, startedMs) {
      if (members.size === 0) return members.emptySinceMs + resolveTimeoutMs;
      return (current ?? pickAnew()).connecting(call) ? startedMs + resolveTimeoutMs : Number.NEGATIVE_INFINITY;
    },
    unavailable: (call) => explain(call.method.name),
    hurry: (call) => refusals.hurry(call?.method.name),
    watch(watcher) {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    close() {
      closed = true;
      stopResolving();
      hearing.stop();
      telling.stop();
      const reason = new RpcError(Code.CANCELLED, "the channel was closed", { local: true });
      for (const watcher of [...watchers]) watcher.closed(reason);
      return members.close();
    },
  };
}

/** A pick from a state of the peers that has passed: only of a peer that is ready still. */
function pickOneOf({ pick, panic }: Picking, call: Call): Peer | undefined {
  if (panic) return undefined;
  const first = pick(call);
  if (first === undefined || first.ready) return first;
  const other = pick(call.with({ avoid: first.endpoint.address }));
  return other?.ready === true && other.endpoint.address !== call.avoid ? other : undefined;
}
