import type { Clock } from "../core/clock.ts";
import { isConnected } from "../core/connected.ts";
import type { Endpoint } from "../core/endpoint.ts";
import type { Logger } from "../core/logger.ts";
import type { Peer } from "../core/transport.ts";
import type { Snapshot } from "../registry/registry.ts";
import { createDoubt } from "./doubt.ts";
import { methodsOf } from "./methods.ts";
import type { Candidate } from "./picking.ts";

export interface MembersOptions {
  readonly connect: (endpoint: Endpoint, changed: () => void) => Peer;
  readonly doubtMs: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** The peers of one service, kept in step with what its registry says, as far as that is believed. */
export interface Members {
  readonly size: number;
  /** Since when there has been none, on the clock. */
  readonly emptySinceMs: number;
  all(): readonly Candidate[];
  hear(snapshot: Snapshot): void;
  /** Writes down which peers have become ready since the last time. */
  noteReady(): void;
  readonly readySinceMs: (address: string) => number;
  /** Resolves when every peer is closed, those too that went before. */
  close(): Promise<void>;
}

interface Member {
  readonly peer: Peer;
  methods: ReadonlySet<string> | undefined;
  /** Not listed any more: dropped at this time on the clock, where `doubt.ts` does not speak against it. */
  dropAtMs: number | undefined;
  readySinceMs: number | undefined;
}

/** `changed` is called when a peer's state has changed, and when a peer went without a new snapshot. */
export function createMembers(service: string, options: MembersOptions, changed: () => void): Members {
  const { connect, doubtMs, logger, clock } = options;
  const members = new Map<string, Member>();
  const leaving = new Set<Promise<void>>();
  const doubt = createDoubt();
  let current = false;
  let unlisted = 0;
  let emptySinceMs = clock.now();
  let stopTimer = (): void => {};

  function hear(snapshot: Snapshot): void {
    const listed = new Map(snapshot.endpoints.map((endpoint) => [endpoint.address, endpoint]));
    const before = members.size - unlisted;
    current = snapshot.state === "current";
    const added = [...listed.values()].filter((endpoint) => !update(endpoint) && add(endpoint)).length;
    const missing = current ? miss(listed, doubt.suspects(before, listed.size, clock.now())) : 0;
    sweep();
    if (added + missing > 0) logger.info({ service, added, missing, known: members.size }, "endpoints changed");
  }

  function update(endpoint: Endpoint): boolean {
    const member = members.get(endpoint.address);
    if (member === undefined) return false;
    if (member.dropAtMs !== undefined) unlisted--;
    member.dropAtMs = undefined;
    member.peer.endpoint = endpoint;
    member.methods = methodsOf(endpoint, service);
    // What has just been announced is likely to be back.
    if (member.peer.state === "failed") member.peer.probe?.();
    return true;
  }

  function add(endpoint: Endpoint): boolean {
    try {
      const peer = connect(endpoint, peerChanged);
      const methods = methodsOf(endpoint, service);
      members.set(endpoint.address, { peer, methods, dropAtMs: undefined, readySinceMs: undefined });
      logger.debug({ service, address: endpoint.address }, "endpoint added");
      return true;
    } catch (error) {
      logger.error({ service, address: endpoint.address, err: error }, "an endpoint cannot be used");
      return false;
    }
  }

  function miss(listed: ReadonlyMap<string, Endpoint>, suspicious: boolean): number {
    const missing = [...members].filter(([address, { dropAtMs }]) => dropAtMs === undefined && !listed.has(address));
    for (const [, member] of missing) member.dropAtMs = clock.now() + (suspicious ? doubtMs : 0);
    unlisted += missing.length;
    if (suspicious && missing.length > 0) {
      for (const [, { peer }] of missing) peer.probe?.();
      const fields = { service, listed: listed.size, doubtful: unlisted };
      logger.warn(fields, "the registry lost most endpoints at once: they are called on while they work");
    }
    return missing.length;
  }

  function peerChanged(): void {
    if (unlisted > 0) sweep();
    changed();
  }

  /** Drops those that are not listed, as far as `doubt.ts` lets them go. */
  function sweep(): void {
    stopTimer();
    if (unlisted === 0) return;
    const nowMs = clock.now();
    const relieved = [...members.values()].some(({ dropAtMs, peer }) => dropAtMs === undefined && peer.ready);
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [address, { dropAtMs, peer }] of [...members]) {
      if (dropAtMs === undefined) continue;
      if (peer.state === "failed" || peer.state === "closed") drop(address);
      else if (current && relieved && dropAtMs <= nowMs) drop(address);
      else if (dropAtMs > nowMs) nextMs = Math.min(nextMs, dropAtMs);
    }
    if (nextMs < Number.POSITIVE_INFINITY) stopTimer = clock.setTimeout(peerChanged, Math.ceil(nextMs - nowMs));
  }

  function drop(address: string): void {
    const member = members.get(address);
    if (member === undefined) return;
    members.delete(address);
    if (member.dropAtMs !== undefined) unlisted--;
    if (members.size === 0) emptySinceMs = clock.now();
    logger.debug({ service, address }, "endpoint dropped");
    const gone = member.peer.close().catch((error) => {
      logger.error({ service, address, err: error }, "a peer could not be closed");
    });
    leaving.add(gone);
    void gone.then(() => leaving.delete(gone));
  }

  return {
    get size() {
      return members.size;
    },
    get emptySinceMs() {
      return emptySinceMs;
    },
    all: () => [...members.values()],
    hear,
    noteReady() {
      for (const member of members.values()) {
        if (!isConnected(member.peer)) member.readySinceMs = undefined;
        else if (member.peer.ready) member.readySinceMs ??= clock.now();
      }
    },
    readySinceMs: (address) => members.get(address)?.readySinceMs ?? clock.now(),
    async close() {
      stopTimer();
      for (const address of [...members.keys()]) drop(address);
      await Promise.all(leaving);
    },
  };
}
