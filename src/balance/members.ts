import type { Clock } from "../core/clock.ts";
import { isConnected } from "../core/connected.ts";
import type { Endpoint } from "../core/endpoint.ts";
import type { Facts } from "../core/facts.ts";
import { isUnixAddress } from "../core/grpc-address.ts";
import type { Peer, PeerState } from "../core/transport.ts";
import type { Snapshot } from "../registry/registry.ts";
import { createDoubt } from "./doubt.ts";
import { createMethodsOf } from "./methods.ts";
import type { Candidate } from "./picking.ts";
import { createUnlisted, type Leaving } from "./unlisted.ts";

export interface MembersOptions {
  readonly unixAddresses: boolean;
  readonly connect: (endpoint: Endpoint, changed: () => void, service: string) => Peer;
  readonly doubtMs: number;
  readonly facts: Facts;
  readonly clock: Clock;
}

/** The peers of one service, kept in step with what its registry says, as far as that is believed. */
export interface Members {
  readonly size: number;
  /** Since when there has been none, on the clock. */
  readonly emptySinceMs: number;
  /** Why one that is listed cannot be used, where there is one. */
  readonly refusal: string | undefined;
  /** The same array until a peer comes or goes. */
  all(): readonly Candidate[];
  /** True where that changed what a balancer sees. */
  hear(snapshot: Snapshot): boolean;
  readonly readySinceMs: (address: string) => number;
  /** Resolves when every peer is closed, those too that went before. */
  close(): Promise<void>;
}

interface Member extends Candidate, Leaving {
  /** As it was listed last. The very same object says that nothing is new. */
  endpoint: Endpoint;
  methods: ReadonlySet<string> | undefined;
  readySinceMs: number | undefined;
  /** The last snapshot that listed it. */
  heardIn: number;
  /** As it was seen last. */
  state: PeerState | undefined;
  stateSinceMs: number;
}

/** Listed, and of no use. */
interface Refused {
  readonly endpoint: Endpoint;
  readonly reason: string;
  heardIn: number;
}

/** Peers that are made in one turn: a thousand connections are not begun at once, and calls go on in between. */
const mostJoined = 50;

/** Of the endpoints of one snapshot. */
interface Counts {
  /** Those that have a peer. */
  listed: number;
  added: number;
  altered: number;
  /** Those whose peers are made in a later turn. */
  waiting: number;
}

/**
 * An endpoint that is the same object as in the snapshot before costs one look into a map. `changed` is called when a
 * peer's state has changed, and when a peer went without a new snapshot.
 */
export function createMembers(service: string, options: MembersOptions, changed: () => void): Members {
  const { unixAddresses, connect, doubtMs, facts, clock } = options;
  const methodsOf = createMethodsOf(service);
  const members = new Map<string, Member>();
  const refused = new Map<string, Refused>();
  const closing = new Set<Promise<void>>();
  const doubt = createDoubt();
  const unlisted = createUnlisted<Member>({ clock, drop, isRelieved, changed });
  let all: readonly Member[] | undefined;
  let current = false;
  let heard = 0;
  let warned = false;
  let emptySinceMs = clock.now();
  let stopJoining = (): void => {};

  function hear(snapshot: Snapshot): boolean {
    const listedBefore = members.size - unlisted.size;
    const counts = { listed: 0, added: 0, altered: 0, waiting: 0 };
    stopJoining();
    current = snapshot.state === "current";
    heard++;
    for (const endpoint of snapshot.endpoints) take(endpoint, counts);
    for (const [address, { heardIn }] of refused) if (heardIn !== heard) refused.delete(address);
    const suspicious =
      current && doubt.suspects(listedBefore, counts.listed + counts.waiting + refused.size, clock.now());
    const missing = current && counts.listed < members.size - unlisted.size ? miss(counts.listed, suspicious) : 0;
    const dropped = unlisted.sweep();
    const { added, altered, waiting } = counts;
    if (waiting > 0) stopJoining = clock.setTimeout(() => void (hear(snapshot) && changed()), 1);
    if (added + missing > 0) facts.on["endpoints-changed"]?.({ service, added, missing, known: members.size });
    return added + altered + dropped > 0;
  }

  /** Of endpoints with one address the first stands. */
  function take(endpoint: Endpoint, counts: Counts): void {
    const member = members.get(endpoint.address);
    if (member === undefined && counts.added >= mostJoined) counts.waiting++;
    else if (member === undefined) {
      if (!add(endpoint)) return;
      counts.added++;
      counts.listed++;
    } else if (member.heardIn !== heard) {
      counts.listed++;
      member.heardIn = heard;
      unlisted.delete(member);
      if (member.endpoint !== endpoint && update(member, endpoint)) counts.altered++;
    }
  }

  /** True where its registration says something new. */
  function update(member: Member, endpoint: Endpoint): boolean {
    const { metadata } = member.endpoint;
    const { peer } = member;
    member.endpoint = endpoint;
    const isNew = !isSame(metadata, endpoint.metadata);
    if (isNew) {
      peer.endpoint = endpoint;
      member.methods = methodsOf(endpoint);
    }
    // What has just been announced is likely to be back.
    if (peer.state === "failed") peer.probe?.();
    return isNew;
  }

  function add(endpoint: Endpoint): boolean {
    const { address } = endpoint;
    const known = refused.get(address);
    if (known?.endpoint === endpoint) {
      known.heardIn = heard;
      return false;
    }
    if (!unixAddresses && isUnixAddress(address)) return refuse(endpoint, warnOfUnix(address));
    try {
      const member = join(endpoint);
      refused.delete(address);
      members.set(address, member);
      all = undefined;
      noteReady(member);
      noteState(member, member.peer.state, member.peer.reason);
      facts.on["endpoint-added"]?.({ service, address });
      return true;
    } catch (error) {
      facts.on["endpoint-unusable"]?.({ service, address, error });
      return refuse(endpoint, (error as Error).message);
    }
  }

  function refuse(endpoint: Endpoint, reason: string): false {
    refused.set(endpoint.address, { endpoint, reason, heardIn: heard });
    return false;
  }

  /** Once: the registry could say it of any number. */
  function warnOfUnix(address: string): string {
    const reason = "unix: addresses of a registry are connected to only with unixAddresses: true";
    if (!warned) facts.on["endpoint-left-out"]?.({ service, address, reason });
    warned = true;
    return reason;
  }

  function join(endpoint: Endpoint): Member {
    let member: Member | undefined;
    const told = (): void => {
      if (member !== undefined) peerChanged(member);
    };
    const peer = connect(endpoint, told, service);
    const methods = methodsOf(endpoint);
    member = {
      peer,
      endpoint,
      methods,
      dropAtMs: 0,
      readySinceMs: undefined,
      heardIn: heard,
      state: undefined,
      stateSinceMs: 0,
    };
    return member;
  }

  function miss(listed: number, suspicious: boolean): number {
    const dropAtMs = clock.now() + (suspicious ? doubtMs : 0);
    let missing = 0;
    for (const member of members.values()) {
      if (member.heardIn === heard || unlisted.has(member)) continue;
      unlisted.add(member, dropAtMs);
      if (suspicious) member.peer.probe?.();
      missing++;
    }
    if (suspicious && missing > 0) {
      facts.on["endpoints-doubted"]?.({ service, listed, doubtful: unlisted.size });
    }
    return missing;
  }

  function peerChanged(member: Member): void {
    // One that was dropped has its end for itself.
    if (members.get(member.endpoint.address) !== member) return;
    noteReady(member);
    noteState(member, member.peer.state, member.peer.reason);
    unlisted.peerChanged(member);
    changed();
  }

  function noteReady(member: Member): void {
    if (!isConnected(member.peer)) member.readySinceMs = undefined;
    else if (member.peer.ready) member.readySinceMs ??= clock.now();
  }

  function noteState(member: Member, to: PeerState, reason: string | undefined): void {
    const { state: from } = member;
    if (from === to) return;
    member.state = to;
    member.stateSinceMs = clock.now();
    facts.on["peer-state-changed"]?.({ service, peer: member.endpoint.address, from, to, reason });
  }

  /** Whether others can take over from those that are not listed. */
  function isRelieved(): boolean {
    if (!current) return false;
    for (const member of members.values()) if (member.peer.ready && !unlisted.has(member)) return true;
    return false;
  }

  function drop(member: Member): void {
    const { address } = member.endpoint;
    members.delete(address);
    unlisted.delete(member);
    all = undefined;
    if (members.size === 0) emptySinceMs = clock.now();
    facts.on["endpoint-dropped"]?.({ service, address });
    noteState(member, "closed", undefined);
    const gone = member.peer.close().catch((error) => {
      facts.on["peer-unclosed"]?.({ service, address, error });
    });
    closing.add(gone);
    void gone.then(() => closing.delete(gone));
  }

  return {
    get size() {
      return members.size;
    },
    get emptySinceMs() {
      return emptySinceMs;
    },
    get refusal() {
      return refused.values().next().value?.reason;
    },
    all() {
      all ??= [...members.values()];
      return all;
    },
    hear,
    readySinceMs: (address) => members.get(address)?.readySinceMs ?? clock.now(),
    async close() {
      stopJoining();
      unlisted.stop();
      for (const member of [...members.values()]) drop(member);
      await Promise.all(closing);
    },
  };
}

function isSame(one: Endpoint["metadata"] = {}, other: Endpoint["metadata"] = {}): boolean {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
}
