import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { Call, type CallInit, type Reply } from "../../src/core/call.ts";
import type { Endpoint } from "../../src/core/endpoint.ts";
import type { Logger } from "../../src/core/logger.ts";
import { Metadata } from "../../src/core/metadata.ts";
import type { Peer, PeerState } from "../../src/core/transport.ts";
import type { Resolver, Snapshot } from "../../src/registry/registry.ts";

export const reply: Reply = { response: {}, header: Metadata.EMPTY, trailer: Metadata.EMPTY };

export function makeCall(init: Partial<CallInit> = {}): Call {
  return new Call({ method: Probe.methods.echo, request: {}, ...init });
}

export const service: string = Probe.methods.echo.service;

/** A peer made by hand. What a test writes into its fields is so. */
export interface FakePeer extends Peer {
  state: PeerState;
  inflight: number;
  reason: string | undefined;
  handle: (call: Call) => Promise<Reply>;
  /** Calls that it was given. */
  calls: number;
  closed: boolean;
  /** How often it was asked for a sign of life. */
  probes: number;
  onTrial: boolean;
  /** How often it was asked to let a call through sooner. */
  hurries: number;
  become(state: PeerState, reason?: string): void;
}

export function fakePeer(
  endpoint: Endpoint | string,
  changed: () => void = () => {},
  state: PeerState = "ready",
): FakePeer {
  const peer: FakePeer = {
    endpoint: typeof endpoint === "string" ? { address: endpoint } : endpoint,
    state,
    get ready() {
      return peer.state === "ready";
    },
    inflight: 0,
    reason: undefined,
    calls: 0,
    closed: false,
    probes: 0,
    handle: async () => {
      peer.calls++;
      return reply;
    },
    probe() {
      peer.probes++;
    },
    onTrial: false,
    hurries: 0,
    hurry() {
      peer.hurries++;
    },
    async close() {
      peer.closed = true;
      peer.become("closed");
    },
    become(next, reason) {
      peer.state = next;
      peer.reason = reason;
      changed();
    },
  };
  return peer;
}

export function fakePeers(count: number, metadata?: (i: number) => Record<string, string>): FakePeer[] {
  return Array.from({ length: count }, (_, i) =>
    fakePeer({ address: `10.0.${i >> 8}.${i & 255}:50051`, ...(metadata && { metadata: metadata(i) }) }),
  );
}

/** A registry that says what a test has it say. */
export interface FakeRegistry extends Resolver {
  say(endpoints: readonly (string | Endpoint)[], state?: Snapshot["state"], reason?: string): void;
  /** Those who listen now. */
  readonly listeners: number;
}

export function fakeRegistry(): FakeRegistry {
  const listeners = new Set<(snapshot: Snapshot) => void>();
  let last: Snapshot | undefined;
  return {
    resolve(_service, listener) {
      listeners.add(listener);
      if (last !== undefined) listener(last);
      return () => listeners.delete(listener);
    },
    say(addresses, state = "current", reason) {
      const endpoints = addresses.map((each) => (typeof each === "string" ? { address: each } : each));
      last = { endpoints, state, ...(reason !== undefined && { reason }) };
      for (const listener of [...listeners]) listener(last);
    },
    get listeners() {
      return listeners.size;
    },
  };
}

/** A generator of numbers from 0 to 1 that comes out the same each time (mulberry32). */
export function seeded(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A logger that keeps the messages of `info` and worse. */
export function keptLog(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const keep = (level: string) => (_fields: object, message: string) => lines.push(`${level}: ${message}`);
  return { lines, debug: () => {}, info: keep("info"), warn: keep("warn"), error: keep("error") };
}
