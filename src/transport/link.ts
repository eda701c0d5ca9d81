import type { Call } from "../core/call.ts";
import { Code } from "../core/code.ts";
import { detached } from "../core/context.ts";
import { now } from "../core/deadline.ts";
import { type Logger, silent } from "../core/logger.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { PeerState } from "../core/transport.ts";
import { atDeadline } from "./alarm.ts";
import { deadlinePassed, onCancel } from "./cancelled.ts";
import { connectReason } from "./connect-reason.ts";

/** What a link keeps: a connection that is up. */
export interface Connection {
  /** Takes no new calls; calls in flight finish, then it is gone. */
  close(): void;
}

export interface LinkOptions<C extends Connection> {
  /** For messages. */
  readonly address: string;
  /**
   * Connects. Must stop, and leave nothing behind, when the signal aborts. `lost` is called once when the connection
   * takes no more calls: it broke, or the server said that it goes.
   */
  readonly open: (signal: AbortSignal, lost: (reason: string) => void) => Promise<C>;
  readonly connectTimeoutMs?: number | undefined;
  readonly changed?: (() => void) | undefined;
  readonly logger?: Logger | undefined;
}

/** A connection to one address that is made anew, for ever, whenever it is lost. */
export interface Link<C extends Connection> {
  readonly state: PeerState;
  readonly reason: string | undefined;
  /** The connection, while there is one. */
  readonly connection: C | undefined;
  /**
   * Waits for the connection. Where the last try has just failed, that failure stands; where it is older, a new try
   * begins at once.
   */
  connected(call: Call): Promise<C>;
  /** Tries now what would be tried later, where the last try has not just failed. */
  hurry(): void;
  close(): void;
}

/** A failure this young, in milliseconds, still stands: a burst of calls makes one try, not one each. */
const freshMs = 100;
/** A connection that held for this long, in milliseconds, was a good one: the next try need not wait. */
const stableMs = 1000;
const initialBackoffMs = 100;
const maxBackoffMs = 2000;
const backoffMultiplier = 1.6;

interface Waiting<C> {
  readonly resolve: (connection: C) => void;
  readonly reject: (error: RpcError) => void;
}

/**
 * Backoff as gRPC's: it grows by 1.6 with 20 % jitter, though from 100 ms to 2 s, since a registry removes what stays
 * away. https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md
 */
export function createLink<C extends Connection>(options: LinkOptions<C>): Link<C> {
  const { address, open, connectTimeoutMs = 5000, changed, logger = silent } = options;
  const waiting = new Set<Waiting<C>>();
  let state: PeerState = "connecting";
  let reason: string | undefined;
  let connection: C | undefined;
  let attempt: AbortController | undefined;
  let retry: NodeJS.Timeout | undefined;
  let backoffMs = initialBackoffMs;
  let since = 0;

  detached(connect);
  return {
    get state() {
      return state;
    },
    get reason() {
      return reason;
    },
    get connection() {
      return connection;
    },
    connected,
    hurry,
    close,
  };

  function become(next: PeerState, why?: string): void {
    const moved = next !== state;
    state = next;
    reason = why;
    since = now();
    if (moved) changed?.();
  }

  function connect(): void {
    clearTimeout(retry);
    retry = undefined;
    const controller = new AbortController();
    attempt = controller;
    const late = setTimeout(() => {
      controller.abort();
      failed(`no connection within ${connectTimeoutMs} ms`);
    }, connectTimeoutMs);
    const current = (): boolean => attempt === controller;
    let mine: C | undefined;
    let goneEarly: string | undefined;
    const gone = (why: string): void => {
      if (mine === undefined) goneEarly = why;
      else if (mine === connection) lost(mine, why);
    };
    open(controller.signal, gone).then(
      (opened) => {
        clearTimeout(late);
        if (!current()) return opened.close();
        if (goneEarly !== undefined) {
          opened.close();
          return failed(goneEarly);
        }
        mine = opened;
        established(opened);
      },
      (error) => {
        clearTimeout(late);
        if (current()) failed(connectReason(error));
      },
    );
  }

  function established(opened: C): void {
    attempt = undefined;
    connection = opened;
    logger.debug({ address }, "connected");
    become("ready");
    for (const { resolve } of drainWaiting()) resolve(opened);
  }

  function failed(why: string): void {
    attempt = undefined;
    logger.debug({ address, reason: why }, "connection failed");
    become("failed", why);
    for (const { reject } of drainWaiting()) reject(unreachable(why));
    again();
  }

  function lost(gone: C, why: string): void {
    connection = undefined;
    gone.close();
    logger.debug({ address, reason: why }, "connection lost");
    const stable = now() - since >= stableMs;
    become("connecting", why);
    if (stable) {
      backoffMs = initialBackoffMs;
      detached(connect);
    } else again();
  }

  function again(): void {
    const delayMs = backoffMs * (0.8 + 0.4 * Math.random());
    backoffMs = Math.min(backoffMs * backoffMultiplier, maxBackoffMs);
    retry = detached(() => setTimeout(connect, delayMs));
    if (waiting.size === 0) retry.unref();
  }

  function connected(call: Call): Promise<C> {
    if (connection !== undefined) return Promise.resolve(connection);
    if (state === "closed") return Promise.reject(unreachable("it was closed"));
    if (attempt === undefined) {
      if (now() - since >= freshMs) detached(connect);
      else if (state === "failed") return Promise.reject(unreachable(reason ?? "not connected"));
      else retry?.ref();
    }
    return join(call);
  }

  function hurry(): void {
    const idle = connection === undefined && attempt === undefined && state !== "closed";
    if (idle && now() - since >= freshMs) detached(connect);
  }

  function join(call: Call): Promise<C> {
    const { promise, resolve, reject } = Promise.withResolvers<C>();
    const entry = { resolve, reject };
    waiting.add(entry);
    const during = `while connecting to ${address}`;
    const stopAlarm = atDeadline(call.deadline, () => reject(deadlinePassed(call, during)));
    const stopListening = onCancel(call, reject);
    return promise.finally(() => {
      stopAlarm();
      stopListening();
      waiting.delete(entry);
    });
  }

  function drainWaiting(): Waiting<C>[] {
    const all = [...waiting];
    waiting.clear();
    return all;
  }

  function unreachable(why: string): RpcError {
    return new RpcError(Code.UNAVAILABLE, `cannot connect to ${address}: ${why}`, { unprocessed: true });
  }

  function close(): void {
    if (state === "closed") return;
    clearTimeout(retry);
    attempt?.abort();
    attempt = undefined;
    const open = connection;
    connection = undefined;
    become("closed", "closed");
    open?.close();
    for (const { reject } of drainWaiting()) reject(unreachable("it was closed"));
  }
}
