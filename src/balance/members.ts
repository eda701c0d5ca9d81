import type { Clock } from "../core/clock.ts";
import { isConnected } from "../core/connected.ts";
import { type Differences, differences } from "../core/differences.ts";
import type { Endpoint } from "../core/endpoint.ts";
import type { Facts } from "../core/facts.ts";
import { createPace, glanced } from "../core/pace.ts";
import type { Peer, PeerState } from "../core/transport.ts";
import type { Snapshot } from "../registry/registry.ts";
import { createDoubt } from "./doubt.ts";
import { createJoining } from "./joining.ts";
import { createMethodsOf } from "./methods.ts";
import type { Candidate, Pickings } from "./picking.ts";
import { createUnlisted, type Leaving } from "./unlisted.ts";
import { createUnusable } from "./unusable.ts";

export interface MembersOptions {
  readonly unixAddresses: boolean;
  readonly connect: (endpoint: Endpoint, changed: () => void, service: string) => Peer;
  readonly doubtMs: number;
  /** Told of each that comes, changes or goes, before `changed`. */
  readonly pickings: Pick<Pickings, "look" | "leave">;
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
  hear(snapshot: Snapshot): Heard;
  readonly readySinceMs: (address: string) => number;
  /** Since when it has stood as it does. */
  readonly stateSinceMs: (address: string) => number;
  /** Resolves when every peer is closed, those too that went before. */
  close(): Promise<void>;
}

export interface Heard {
  /** It changed what a balancer sees. */
  readonly isNew: boolean;
  /** Endpoints that were gone through for it. */
  readonly items: number;
}

interface Member extends Candidate, Leaving {
  /** As it was listed last. The very same object says that nothing is new. */
  endpoint: Endpoint;
  methods: ReadonlySet<string> | undefined;
  readySinceMs: number | undefined;
  /** As it was seen last. */
  state: PeerState | undefined;
  stateSinceMs: number;
}

/**
 * An endpoint that is the same object as in the snapshot before is not looked at. `changed` is called when a peer's state
 * has changed, and when a peer came or went without a new snapshot.
 */
export function createMembers(service: string, options: MembersOptions, changed: () => void): Members {
  const { connect, doubtMs, pickings, facts, clock } = options;
  const methodsOf = createMethodsOf(service);
  const members = new Map<string, Member>();
  const unusable = createUnusable({ ...options, service });
  const closing = new Set<Promise<void>>();
  const doubt = createDoubt();
  const unlisted = createUnlisted<Member>({ clock, drop, isRelieved, changed });
  const joining = createJoining({ clock, join, joined });
  const reporting = createPace(report, clock);
  let all: readonly Member[] | undefined;
  /** The endpoints of the last snapshot, where that was `current` and had no twins. */
  let base: readonly Endpoint[] | undefined;
  let current = false;
  let unreported = { added: 0, missing: 0 };
  let emptySinceMs = clock.now();

  function hear(snapshot: Snapshot): Heard {
    const { endpoints } = snapshot;
    const listedBefore = members.size - unlisted.size;
    current = snapshot.state === "current";
    const known = current && base !== undefined ? differences(base, endpoints) : undefined;
    base = current ? endpoints : undefined;
    const taken = (known && takeChanges(known)) ?? takeAll(endpoints);
    const listed = members.size - unlisted.size - taken.missing.length;
    const suspicious = current && doubt.suspects(listedBefore, listed + joining.size + unusable.size, clock.now());
    miss(taken.missing, listed + joining.size, suspicious);
    const added = joining.begin();
    const dropped = unlisted.sweep();
    note(added, taken.missing.length);
    const doubtful = unlisted.size > 0 ? members.size : 0;
    return { isNew: added + taken.altered + dropped > 0, items: taken.items + doubtful };
  }

  /** `undefined` where two of the endpoints have one address. */
  function takeChanges({ gone, come }: Differences<Endpoint>): Taken | undefined {
    const leaving = new Set<Member>();
    const found = new Map<Member, Endpoint>();
    for (const endpoint of gone) {
      const member = members.get(endpoint.address);
      if (member?.endpoint === endpoint) leaving.add(member);
      joining.delete(endpoint);
      unusable.delete(endpoint);
    }
    for (const endpoint of come) {
      const { address } = endpoint;
      const member = members.get(address);
      if (member === undefined) {
        if (joining.has(address) || unusable.hasAddress(address)) return undefined;
        joining.add(endpoint);
      } else if (!found.has(member) && (leaving.delete(member) || unlisted.has(member))) found.set(member, endpoint);
      else return undefined;
    }
    let altered = 0;
    for (const [member, endpoint] of found) altered += list(member, endpoint);
    const items = gone.length + come.length + glanced(base?.length ?? 0);
    return { altered, missing: [...leaving], items };
  }

  /** Of endpoints with one address the first stands. */
  function takeAll(endpoints: readonly Endpoint[]): Taken {
    const first = new Map<string, Endpoint>();
    for (const endpoint of endpoints) if (!first.has(endpoint.address)) first.set(endpoint.address, endpoint);
    if (first.size < endpoints.length) base = undefined;
    joining.clear();
    unusable.keep(first);
    let altered = 0;
    for (const [address, endpoint] of first) {
      const member = members.get(address);
      if (member !== undefined) altered += list(member, endpoint);
      else if (!unusable.hasAddress(address)) joining.add(endpoint);
    }
    const missing = current
      ? [...members.values()].filter((member) => !first.has(member.endpoint.address) && !unlisted.has(member))
      : [];
    return { altered, missing, items: endpoints.length };
  }

  /** 1 where its registration says something new. */
  function list(member: Member, endpoint: Endpoint): 0 | 1 {
    const { peer } = member;
    const { metadata } = member.endpoint;
    unlisted.delete(member);
    if (member.endpoint === endpoint) return 0;
    member.endpoint = endpoint;
    const isNew = !isSame(metadata, endpoint.metadata);
    if (isNew) {
      peer.endpoint = endpoint;
      member.methods = methodsOf(endpoint);
      pickings.look(member, true);
    }
    // What has just been announced is likely to be back.
    if (peer.state === "failed") peer.probe?.();
    return isNew ? 1 : 0;
  }

  function join(endpoint: Endpoint): boolean {
    const { address } = endpoint;
    if (unusable.excludes(endpoint)) return false;
    try {
      const member = make(endpoint);
      members.set(address, member);
      all = undefined;
      noteReady(member);
      noteState(member, member.peer.state, member.peer.reason);
      pickings.look(member, false);
      facts.on["endpoint-added"]?.({ service, address });
      return true;
    } catch (error) {
      unusable.add(endpoint, error);
      return false;
    }
  }

  function make(endpoint: Endpoint): Member {
    let member: Member | undefined;
    const told = (): void => {
      if (member !== undefined) peerChanged(member);
    };
    const peer = connect(endpoint, told, service);
    const methods = methodsOf(endpoint);
    member = { peer, endpoint, methods, dropAtMs: 0, readySinceMs: undefined, state: undefined, stateSinceMs: 0 };
    return member;
  }

  function joined(added: number): void {
    note(added, 0);
    unlisted.sweep();
    changed();
  }

  function miss(missing: readonly Member[], listed: number, suspicious: boolean): void {
    const dropAtMs = clock.now() + (suspicious ? doubtMs : 0);
    for (const member of missing) {
      unlisted.add(member, dropAtMs);
      if (suspicious) member.peer.probe?.();
    }
    if (suspicious && missing.length > 0) {
      facts.on["endpoints-doubted"]?.({ service, listed, doubtful: unlisted.size });
    }
  }

  function note(added: number, missing: number): void {
    if (added + missing === 0) return;
    unreported.added += added;
    unreported.missing += missing;
    reporting.ask();
  }

  function report(): number {
    facts.on["endpoints-changed"]?.({ service, ...unreported, known: members.size });
    unreported = { added: 0, missing: 0 };
    return members.size;
  }

  function peerChanged(member: Member): void {
    // One that was dropped has its end for itself.
    if (members.get(member.endpoint.address) !== member) return;
    const { readySinceMs } = member;
    noteReady(member);
    noteState(member, member.peer.state, member.peer.reason);
    // One that went and is back is there as before, but new, and has to start slowly.
    const isBack = readySinceMs === undefined && member.readySinceMs !== undefined;
    pickings.look(member, isBack);
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
    pickings.leave(member);
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
      return unusable.reason;
    },
    all() {
      all ??= [...members.values()];
      return all;
    },
    hear,
    readySinceMs: (address) => members.get(address)?.readySinceMs ?? clock.now(),
    stateSinceMs: (address) => members.get(address)?.stateSinceMs ?? clock.now(),
    async close() {
      joining.stop();
      reporting.stop();
      unlisted.stop();
      for (const member of [...members.values()]) drop(member);
      await Promise.all(closing);
    },
  };
}

/** What a snapshot says of those that are known. */
interface Taken {
  /** Those whose registration says something new. */
  readonly altered: number;
  /** Those that are listed no more. */
  readonly missing: readonly Member[];
  readonly items: number;
}

function isSame(one: Endpoint["metadata"] = {}, other: Endpoint["metadata"] = {}): boolean {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
}
