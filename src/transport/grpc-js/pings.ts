import type { ClientHttp2Session } from "node:http2";
import type { Channel, Server } from "@grpc/grpc-js";
import { LONGEST_TIMER_MS } from "../../core/clock.ts";

// Once a session has sent or received GOAWAY, Node refuses its pings; grpc-js takes that for a dead connection and
// breaks it, with the calls that were to finish on it. So its pings are stopped first. grpc-js has no way to do that
// but the field its timer looks at; where a later version has it no more, its own behaviour is what is left.

/** grpc-js's word for "no pings". */
const never = -1;

/** A time without pings, in milliseconds, as grpc-js takes it. */
export function pingAfter(keepaliveMs: number): number {
  return keepaliveMs === Number.POSITIVE_INFINITY ? never : timerMs(keepaliveMs);
}

/** Milliseconds for a timer of grpc-js's. */
export function timerMs(ms: number): number {
  return Math.min(ms, LONGEST_TIMER_MS);
}

interface Pinging {
  keepaliveTimeMs?: unknown;
}

interface OnSession extends Pinging {
  readonly session?: Pick<ClientHttp2Session, "ping" | "closed" | "destroyed">;
}

interface Inside {
  readonly internalChannel?: { readonly wrappedSubchannels?: Iterable<{ readonly child?: { transport?: OnSession } }> };
}

/** The pings of a connection. */
export interface Pings {
  stop(): void;
  /** Sends one; resolves with false where it is not answered in time. */
  answered(withinMs: number): Promise<boolean>;
}

/** For a channel that is connected. */
export function pingsOf(channel: Channel): Pings {
  const subchannels = (channel as unknown as Inside).internalChannel?.wrappedSubchannels ?? [];
  const transports = [...subchannels].map(({ child }) => child?.transport);
  return {
    stop() {
      for (const transport of transports) stop(transport);
    },
    async answered(withinMs) {
      const asked = transports.map((transport) => answers(transport, withinMs));
      return (await Promise.all(asked)).every((alive) => alive);
    },
  };
}

function answers(transport: OnSession | undefined, withinMs: number): Promise<boolean> {
  const session = transport?.session;
  if (typeof session?.ping !== "function") return Promise.resolve(true);
  return new Promise((resolve) => {
    // What has come while our own event loop stood still is read before this.
    const late = setTimeout(() => setImmediate(resolve, false), withinMs).unref();
    const settle = (error: Error | null): void => {
      clearTimeout(late);
      resolve(error === null);
    };
    if (session.closed || session.destroyed || !session.ping(settle)) settle(new Error("it cannot be pinged"));
  });
}

export function stopServerPings(server: Server): void {
  stop(server as unknown as Pinging);
}

function stop(pinging: Pinging | undefined): void {
  if (typeof pinging?.keepaliveTimeMs === "number") pinging.keepaliveTimeMs = never;
}
