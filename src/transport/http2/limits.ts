/** What one peer may cost us. Each has a safe default; give others only with a reason. */
export interface Http2Limits {
  /** What a peer may send on one stream before anybody has read from it, in bytes; 128 KiB by default. */
  readonly streamWindowBytes?: number | undefined;
  /** How far a stream's window may grow while its reader keeps up, in bytes; 16 MiB by default. */
  readonly maxStreamWindowBytes?: number | undefined;
  /** What a connection may hold beyond its streams' first windows, all streams together, in bytes; 32 MiB by default. */
  readonly growthBytes?: number | undefined;
  /** The connection's window, in bytes; 16 MiB by default. */
  readonly connectionWindowBytes?: number | undefined;
  /** The largest frame to accept, in bytes; 128 KiB by default. */
  readonly maxFrameBytes?: number | undefined;
  /** Milliseconds a peer has until its preface and settings are there, TLS included; 10,000 by default. */
  readonly handshakeTimeoutMs?: number | undefined;
  /**
   * Milliseconds in which a message or a header block that has begun must be whole; 30,000 by default. A message has a
   * second more for each KiB that has come.
   */
  readonly stallTimeoutMs?: number | undefined;
  /** Frames that carry no call forward: PING, SETTINGS, empty DATA, frames on closed streams; 2,000 a second by default, 10,000 at once. */
  readonly controlFramesPerSecond?: number | undefined;
  /** Calls a client may reset while they are under way; 1,000 a second by default, 5,000 at once. */
  readonly resetsPerSecond?: number | undefined;
  /** Connections to one server, opened where it limits the streams on each; 2 by default. */
  readonly maxConnectionsPerPeer?: number | undefined;
  /** Calls that a connection of a client makes until another takes its place; as many as HTTP/2 has ids by default. */
  readonly maxCallsPerConnection?: number | undefined;
  /** Calls that may wait for a free stream of a server; 10,000 by default. */
  readonly maxWaitingCalls?: number | undefined;
}

export interface Limits {
  readonly streamWindowBytes: number;
  readonly maxStreamWindowBytes: number;
  readonly growthBytes: number;
  readonly connectionWindowBytes: number;
  readonly maxFrameBytes: number;
  readonly handshakeTimeoutMs: number;
  readonly stallTimeoutMs: number;
  readonly controlFramesPerSecond: number;
  readonly resetsPerSecond: number;
  readonly maxConnectionsPerPeer: number;
  readonly maxCallsPerConnection: number;
  readonly maxWaitingCalls: number;
}

const MIB = 1024 * 1024;
/** A client's ids are the odd ones of 31 bits. */
const MOST_CALLS = 2 ** 30;

/** Fills in the defaults. */
export function limitsFrom(given: Http2Limits): Limits {
  const {
    streamWindowBytes = 128 * 1024,
    maxStreamWindowBytes = 16 * MIB,
    growthBytes = 32 * MIB,
    connectionWindowBytes = 16 * MIB,
    maxFrameBytes = 128 * 1024,
    handshakeTimeoutMs = 10_000,
    stallTimeoutMs = 30_000,
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
    maxFrameBytes,
    handshakeTimeoutMs,
    stallTimeoutMs,
    controlFramesPerSecond,
    resetsPerSecond,
    maxConnectionsPerPeer,
    maxCallsPerConnection: Math.min(maxCallsPerConnection, MOST_CALLS),
    maxWaitingCalls,
  };
}
