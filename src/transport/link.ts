import type { Call } from "../core/call.ts";
import { Code } from "../core/code.ts";
import { detached } from "../core/context.ts";
import { now } from "../core/deadline.ts";
import { createFacts, type Facts } from "../core/facts.ts";
import { rejectedLater } from "../core/later.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { PeerState } from "../core/transport.ts";
import { atDeadline } from "./alarm.ts";
import { connectionBackoff } from "./backoff.ts";
import { deadlinePassed, onCancel } from "./cancelled.ts";
import { type Failure, failureOf, type Shown } from "./connect-reason.ts";

/** What a link keeps: a connection that is up. */
export interface Connection {
  /** True once a call on it has been taken: where it goes after that it was a good one, and is replaced at once. */
  readonly served: boolean;
  /** Octets, where the wire can say. */
  readonly bytesReceived?: number | undefined;
  readonly bytesSent?: number | undefined;
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
  /** What `open` shows of this side. */
  readonly shown?: Shown | undefined;
  readonly changed?: (() => void) | undefined;
  readonly facts?: Facts | undefined;
}

/** A connection to one address that is made anew, for ever, whenever it is lost. */
export interface Link<C extends Connection> {
  readonly state: PeerState;
  readonly reason: string | undefined;
  /** True where the last try failed of what lies on this side. */
  readonly failedHere: boolean;
  /** The connection, while there is one. */
  readonly connection: C | undefined;
  /**
   * Waits for the connection and uses it, for as long as the call may. Who waits uses it in turn, and before anybody
   * hears that it is ready: else who comes later is first, again and again where a server takes few calls a connection.
   * Where the last try has just failed, that failure stands; where it is older, a new try begins at once.
   */
  connected<T>(call: Call, use: (connection: C) => T | Promise<T>): Promise<T>;
  /** Tries now what would be tried later, where the last try has not just failed. */
  hurry(): void;
  /** Gives up the connection, where it is still this one, and makes another. */
  drop(connection: C, reason: string): void;
  close(): void;
}

/** A failure this young, in milliseconds, still stands: a burst of calls makes one try, not one each. */
const freshMs = 100;
/** A connection that held for this long, in milliseconds, was a good one, though nobody made a call on it. */
const stableMs = 1000;

interface Waiting<C> {
  readonly use: (connection: C) => void;
  readonly reject: (error: RpcError) => void;
}

/**
 * Tries that fail are made again after a backoff. A connection that was of use and went, as behind a proxy that allows
 * each so many calls, is no try that failed: it is replaced at once. One that goes as soon as it came, and has taken no
 * call, is one.
 */
export function createLink<C extends Connection>(options: LinkOptions<C>): Link<C> {
  const { address, open, connectTimeoutMs = 5000, changed, facts = createFacts() } = options;
  const waiting = new Set<Waiting<C>>();
  const backoff = connectionBackoff();
  let state: PeerState = "connecting";
  let reason: string | undefined;
  let failure: Failure | undefined;
  let connection: C | undefined;
  let attempt: AbortController | undefined;
  let retry: NodeJS.Timeout | undefined;
  let retryAt = 0;
  let since = 0;
  let openedAt = 0;

  detached(connect);
  return {
    get state() {
      return state;
    },
    get reason() {
      return reason;
    },
    get failedHere() {
      return state === "failed" && failure?.isOwn === true;
    },
    get connection() {
      return connection;
    },
    connected,
    hurry,
    drop,
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
      failed(notOwn(`no connection within ${connectTimeoutMs} ms`));
    }, connectTimeoutMs).unref();
    const current = (): boolean => attempt === controller;
    let mine: C | undefined;
    let goneEarly: string | undefined;
    const gone = (why: string): void => {
      if (mine === undefined) goneEarly = why;
      else drop(mine, why);
    };
    open(controller.signal, gone).then(
      (opened) => {
        clearTimeout(late);
        if (!current()) return opened.close();
        if (goneEarly !== undefined) {
          opened.close();
          return failed(notOwn(goneEarly));
        }
        mine = opened;
        established(opened);
      },
      (error) => {
        clearTimeout(late);
        if (current()) failed(failureOf(error, options.shown));
      },
    );
  }

  function established(opened: C): void {
    attempt = undefined;
    connection = opened;
    openedAt = now();
    facts.on["connection-opened"]?.({ side: "client", address, peer: undefined });
    for (const { use } of drainWaiting()) use(opened);
    // Those may have used it up.
    if (connection === opened) become("ready");
  }

  function failed(latest: Failure): void {
    attempt = undefined;
    failure = latest;
    facts.on["connection-failed"]?.({ address, reason: latest.reason });
    become("failed", latest.reason);
    for (const { reject } of drainWaiting()) reject(unreachable(latest.reason, latest.isLack));
    tryIn(backoff.next());
  }

  function tellClosed({ bytesReceived, bytesSent }: C, reason: string): void {
    const tell = facts.on["connection-closed"];
    const heldMs = now() - openedAt;
    tell?.({ side: "client", address, peer: undefined, reason, heldMs, bytesReceived, bytesSent });
  }

  function lost(gone: C, why: string): void {
    connection = undefined;
    tellClosed(gone, why);
    gone.close();
    const heldMs = now() - since;
    become("connecting", why);
    if (gone.served || heldMs >= stableMs) {
      backoff.reset();
      detached(connect);
    } else tryIn(backoff.next(heldMs));
  }

  function tryIn(delayMs: number): void {
    clearTimeout(retry);
    retryAt = now() + delayMs;
    retry = detached(() => setTimeout(connect, delayMs)).unref();
  }

  async function connected<T>(call: Call, use: (connection: C) => T | Promise<T>): Promise<T> {
    if (connection !== undefined) return use(connection);
    if (state === "closed") return rejectedLater(unreachable("it was closed"));
    if (attempt === undefined) {
      if (now() - since >= freshMs) detached(connect);
      else if (state === "failed") return rejectedLater(unreachable(reason ?? "not connected", failure?.isLack));
      // It was lost just now, and is wanted: the longer pauses are for those that nobody waits for.
      else if (retryAt > since + freshMs) tryIn(Math.max(0, since + freshMs - now()));
    }
    return join(call, use);
  }

  function hurry(): void {
    const idle = connection === undefined && attempt === undefined && state !== "closed";
    if (idle && now() - since >= freshMs) detached(connect);
  }

  function drop(dropped: C, why: string): void {
    if (dropped === connection) lost(dropped, why);
  }

  function join<T>(call: Call, use: (connection: C) => T | Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const during = `while connecting to ${address}`;
    const stops: (() => void)[] = [];
    function leave(): void {
      waiting.delete(entry);
      for (const stop of stops.splice(0)) stop();
    }
    const entry: Waiting<C> = {
      use(opened) {
        leave();
        // What it throws is the call's own affair.
        resolve((async () => use(opened))());
      },
      reject(error) {
        leave();
        reject(error);
      },
    };
    waiting.add(entry);
    stops.push(atDeadline(call.deadline, () => entry.reject(deadlinePassed(call, during))));
    stops.push(onCancel(call, entry.reject));
    // Either may have been so already.
    if (!waiting.has(entry)) leave();
    return promise;
  }

  function drainWaiting(): Waiting<C>[] {
    const all = [...waiting];
    waiting.clear();
    return all;
  }

  /** `local` where every server would be as far away: elsewhere the call may still be made at another. */
  function unreachable(why: string, local = false): RpcError {
    return new RpcError(Code.UNAVAILABLE, `cannot connect to ${address}: ${why}`, { unprocessed: true, local });
  }

  function close(): void {
    if (state === "closed") return;
    clearTimeout(retry);
    attempt?.abort();
    attempt = undefined;
    const open = connection;
    connection = undefined;
    become("closed", "closed");
    if (open !== undefined) tellClosed(open, "closed");
    open?.close();
    for (const { reject } of drainWaiting()) reject(unreachable("it was closed"));
  }
}

function notOwn(reason: string): Failure {
  return { reason, isOwn: false, isLack: false };
}
