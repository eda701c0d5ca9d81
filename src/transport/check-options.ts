import { LONGEST_TIMER_MS } from "../core/clock.ts";
import { heldTls } from "../core/held-tls.ts";
import { atLeast, between, checkRanges, type NumberRange } from "../core/number-range.ts";
import { checkKinds, flag, type OptionKinds, oneOf } from "../core/option-kinds.ts";
import type { ConnectOptions, ListenOptions, MessageLimits } from "../core/transport.ts";

/** What SETTINGS of HTTP/2 can say. */
const MOST_OF_A_SETTING = 0xffff_ffff;

type Ranges<T> = { readonly [K in keyof T]?: NumberRange };

const messageRanges: Ranges<MessageLimits> = {
  // gRPC's word for no limit is -1.
  maxReceiveMessageBytes: atLeast(-1),
  maxSendMessageBytes: atLeast(-1),
  maxMetadataBytes: between(1, MOST_OF_A_SETTING),
};

const connectRanges: Ranges<ConnectOptions> = {
  ...messageRanges,
  connectTimeoutMs: between(1, LONGEST_TIMER_MS),
  keepaliveMs: atLeast(1),
  keepaliveTimeoutMs: atLeast(1),
  confirmIdleMs: atLeast(1),
};

const listenRanges: Ranges<ListenOptions> = {
  ...messageRanges,
  maxConcurrentStreams: between(1, MOST_OF_A_SETTING),
  maxConnections: atLeast(1),
  maxConnectionsPerAddress: atLeast(1),
  maxConnectionAgeMs: atLeast(1),
  maxConnectionAgeGraceMs: atLeast(0),
  maxConnectionIdleMs: atLeast(1),
  keepaliveMs: atLeast(1),
  keepaliveTimeoutMs: atLeast(1),
};

const compression = oneOf("identity", "gzip", "deflate");

const connectKinds: OptionKinds<ConnectOptions> = {
  keepaliveWithoutCalls: flag,
  compression,
  userAgent: {
    fits: (value) => typeof value === "string" && /^[\x20-\x7e]*$/.test(value),
    remedy: "give one line of printable ASCII",
  },
};

const listenKinds: OptionKinds<ListenOptions> = { acceptCompression: flag, compression };

/** @throws TypeError that names the option that cannot be, and what it can be */
export function checkConnectOptions(options: ConnectOptions): void {
  checkKinds(options, connectKinds);
  checkRanges(options, connectRanges);
  if (options.tls !== undefined) heldTls(options.tls, "client");
}

/** @throws TypeError that names the option that cannot be, and what it can be */
export function checkListenOptions(options: ListenOptions): void {
  checkKinds(options, listenKinds);
  checkRanges(options, listenRanges);
  if (options.maxConnectionAgeGraceMs !== undefined && options.maxConnectionAgeMs === undefined) {
    throw new TypeError("maxConnectionAgeGraceMs is given without an age: give maxConnectionAgeMs beside it");
  }
  if (options.tls !== undefined) heldTls(options.tls, "server");
}
