import { atLeast, between, checkRanges, type NumberRange } from "../../core/number-range.ts";
import { checkKinds, having } from "../../core/option-kinds.ts";
import { checkNames, type OptionNames } from "../../core/option-names.ts";
import { firstBytes } from "../memory-account.ts";
import { MemoryBudget, processMemory } from "../memory-budget.ts";
import { ofBoth, ofChannels, ofServers, places } from "../option-places.ts";
import { DEFAULT_MAX_FRAME_BYTES, DEFAULT_WINDOW_BYTES, MAX_31_BITS, MAX_FRAME_BYTES } from "./frame.ts";
import { PREFIX_BYTES } from "./inbox.ts";

/**
 * What one peer may cost us. Each has a safe default; give others only with a reason. All are whole numbers from 1, and
 * those without a range of their own may be `Infinity`.
 */
export interface Http2Limits {
  /** What a peer may send on one stream before anybody has read from it, in bytes; 128 KiB by default, 2^31-1 at most. */
  readonly streamWindowBytes?: number | undefined;
  /** How far a stream's window may grow while its reader keeps up, in bytes; 16 MiB by default, 2^31-1 at most. */
  readonly maxStreamWindowBytes?: number | undefined;
  /** What a connection may hold beyond its streams' first windows, all streams together, in bytes; 32 MiB by default, and 0 is allowed. */
  readonly growthBytes?: number | undefined;
  /** How far the connection's window may grow from 1 MiB, in bytes; 16 MiB by default, from 65,535 to 2^31-1. */
  readonly connectionWindowBytes?: number | undefined;
  /**
   * The memory that all peers together may fill. The budget of the process by default, which is a quarter of what it may
   * use, and at most 1 GiB.
   */
  readonly memory?: MemoryBudget | undefined;
  /**
   * A budget of so many bytes for the connections of this transport alone, in place of the process's. It must hold one
   * message of `maxReceiveMessageBytes`, and 131,075 bytes for its connection.
   */
  readonly memoryBudgetBytes?: number | undefined;
  /** The largest frame to accept, in bytes; 128 KiB by default, from 16,384 to 16,777,215. */
  readonly maxFrameBytes?: number | undefined;
  /** Milliseconds a peer has until its preface and settings are there, TLS included; 10,000 by default. */
  readonly handshakeTimeoutMs?: number | undefined;
  /**
   * Milliseconds in which a message or a header block that has begun must be whole; 30,000 by default. A header block has
   * no more than 5,000; a message has as much more as its bytes take at `leastBytesPerSecond`. A client that does not read
   * its answers must go on within the same time.
   */
  readonly stallTimeoutMs?: number | undefined;
  /**
   * What a client must bring of the messages that it has begun, all of its connection together, in bytes a second; 8 KiB
   * by default, which the slowest of mobile networks (64 kbit/s) meets. As many as 8 messages share it.
   */
  readonly leastBytesPerSecond?: number | undefined;
  /**
   * Frames that carry no call forward: SETTINGS, empty DATA, PING and WINDOW_UPDATE that nothing was sent for, interim
   * responses, frames on closed streams beyond what can have been under way; 2,000 a second by default, 10,000 at once.
   */
  readonly controlFramesPerSecond?: number | undefined;
  /**
   * Calls a client may reset while they are under way, besides as many as come to their end, and those at their deadline;
   * 1,000 a second by default, 5,000 at once.
   */
  readonly resetsPerSecond?: number | undefined;
  /** Connections to one server, opened where it limits the streams on each; 2 by default. */
  readonly maxConnectionsPerPeer?: number | undefined;
  /** Calls that a connection of a client makes until another takes its place; as many as HTTP/2 has ids by default. */
  readonly maxCallsPerConnection?: number | undefined;
  /** Calls that may wait for a free stream of a server; 10,000 by default, and 0 is allowed. */
  readonly maxWaitingCalls?: number | undefined;
}

export interface Limits {
  readonly streamWindowBytes: number;
  readonly maxStreamWindowBytes: number;
  readonly growthBytes: number;
  readonly connectionWindowBytes: number;
  readonly memory: MemoryBudget;
  readonly maxFrameBytes: number;
  readonly handshakeTimeoutMs: number;
  readonly stallTimeoutMs: number;
  readonly leastBytesPerSecond: number;
  readonly controlFramesPerSecond: number;
  readonly resetsPerSecond: number;
  readonly maxConnectionsPerPeer: number;
  readonly maxCallsPerConnection: number;
  readonly maxWaitingCalls: number;
}

const MIB = 1024 * 1024;
/** What a connection takes beside a message: what it may fill without asking, and the prefix. */
const OWN_BYTES = firstBytes(DEFAULT_WINDOW_BYTES) + PREFIX_BYTES;
/** A client's ids are the odd ones of 31 bits. */
const MOST_CALLS = 2 ** 30;

/**
 * The least budget in which a message of so many bytes can come: the message, its prefix, and what a connection may always
 * have under way.
 */
export function leastBudgetBytes(messageBytes: number): number {
  return messageBytes + OWN_BYTES;
}

const ranges: { readonly [K in Exclude<keyof Http2Limits, "memory">]-?: NumberRange } = {
  streamWindowBytes: between(1, MAX_31_BITS),
  maxStreamWindowBytes: between(1, MAX_31_BITS),
  growthBytes: atLeast(0),
  connectionWindowBytes: between(DEFAULT_WINDOW_BYTES, MAX_31_BITS),
  memoryBudgetBytes: atLeast(leastBudgetBytes(DEFAULT_MAX_FRAME_BYTES)),
  maxFrameBytes: between(DEFAULT_MAX_FRAME_BYTES, MAX_FRAME_BYTES),
  handshakeTimeoutMs: atLeast(1),
  stallTimeoutMs: atLeast(1),
  leastBytesPerSecond: atLeast(1),
  controlFramesPerSecond: atLeast(1),
  resetsPerSecond: atLeast(1),
  maxConnectionsPerPeer: atLeast(1),
  maxCallsPerConnection: atLeast(1),
  maxWaitingCalls: atLeast(0),
};

const names: OptionNames<Http2Limits> = {
  streamWindowBytes: true,
  maxStreamWindowBytes: true,
  growthBytes: true,
  connectionWindowBytes: true,
  memory: true,
  memoryBudgetBytes: true,
  maxFrameBytes: true,
  handshakeTimeoutMs: true,
  stallTimeoutMs: true,
  leastBytesPerSecond: true,
  controlFramesPerSecond: true,
  resetsPerSecond: true,
  maxConnectionsPerPeer: true,
  maxCallsPerConnection: true,
  maxWaitingCalls: true,
};

/** Every option of `http2()`. */
export const HTTP2_OPTIONS: readonly string[] = Object.keys(names);

const elsewhere = places(
  [ofServers, "createServer"],
  [ofBoth, "createServer or createChannel"],
  [ofChannels, "createChannel"],
);

/**
 * Fills in the defaults.
 * @throws TypeError that names the limit that is none or cannot be, and its range
 */
export function limitsFrom(given: Http2Limits): Limits {
  checkNames(given, names, "http2", elsewhere);
  checkRanges(given, ranges);
  checkKinds(given, { memory: having(["lendShare"], "new MemoryBudget({ bytes })") });
  if (given.memory !== undefined && given.memoryBudgetBytes !== undefined) {
    throw new TypeError("memory and memoryBudgetBytes are both given: give the budget, or the bytes of one of its own");
  }
  const {
    streamWindowBytes = 128 * 1024,
    maxStreamWindowBytes = 16 * MIB,
    growthBytes = 32 * MIB,
    connectionWindowBytes = 16 * MIB,
    memoryBudgetBytes,
    memory = memoryBudgetBytes === undefined ? processMemory() : new MemoryBudget({ bytes: memoryBudgetBytes }),
    maxFrameBytes = 128 * 1024,
    handshakeTimeoutMs = 10_000,
    stallTimeoutMs = 30_000,
    leastBytesPerSecond = 8 * 1024,
    controlFramesPerSecond = 2000,
    resetsPerSecond = 1000,
    maxConnectionsPerPeer = 2,
    maxCallsPerConnection = MOST_CALLS,
    maxWaitingCalls = 10_000,
  } = given;
  return {
    streamWindowBytes,
    maxStreamWindowBytes,
    growthBytes,
    connectionWindowBytes,
    memory,
    maxFrameBytes,
    handshakeTimeoutMs,
    stallTimeoutMs,
    leastBytesPerSecond,
    controlFramesPerSecond,
    resetsPerSecond,
    maxConnectionsPerPeer,
    maxCallsPerConnection: Math.min(maxCallsPerConnection, MOST_CALLS),
    maxWaitingCalls,
  };
}
