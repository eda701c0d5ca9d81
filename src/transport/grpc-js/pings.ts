import type { Channel, Server } from "@grpc/grpc-js";

// Once a session has sent or received GOAWAY, Node refuses its pings; grpc-js takes that for a dead connection and
// breaks it, with the calls that were to finish on it. So its pings are stopped first. grpc-js has no way to do that
// but the field its timer looks at; where a later version has it no more, its own behaviour is what is left.

/** grpc-js's word for "no pings". */
const never = -1;
/** The longest that a Node timer can wait: more of it is no wait at all. */
const longestMs = 0x7fff_ffff;

/** A time without pings, in milliseconds, as grpc-js takes it. */
export function pingAfter(keepaliveMs: number): number {
  return keepaliveMs === Number.POSITIVE_INFINITY ? never : timerMs(keepaliveMs);
}

/** Milliseconds for a timer of grpc-js's. */
export function timerMs(ms: number): number {
  return Math.min(ms, longestMs);
}

interface Pinging {
  keepaliveTimeMs?: unknown;
}

interface Inside {
  readonly internalChannel?: { readonly wrappedSubchannels?: Iterable<{ readonly child?: { transport?: Pinging } }> };
}

/** For a channel that is connected: how to stop its pings. */
export function pingsOf(channel: Channel): () => void {
  const subchannels = (channel as unknown as Inside).internalChannel?.wrappedSubchannels ?? [];
  const transports = [...subchannels].map(({ child }) => child?.transport);
  return () => {
    for (const transport of transports) stop(transport);
  };
}

export function stopServerPings(server: Server): void {
  stop(server as unknown as Pinging);
}

function stop(pinging: Pinging | undefined): void {
  if (typeof pinging?.keepaliveTimeMs === "number") pinging.keepaliveTimeMs = never;
}
