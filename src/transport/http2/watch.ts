import { now } from "../../core/deadline.ts";
import { Alarm, type TimerWheel } from "../timer-wheel.ts";
import type { Connection } from "./connection.ts";
import { ErrorCode } from "./frame.ts";
import type { Stream } from "./stream.ts";

export interface WatchOptions {
  /** Silence until a ping asks whether the peer lives, in milliseconds. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** Silence until the first ping asks, where that is sooner; what it finds out is only that the peer is slow to answer. */
  readonly quietMs?: number;
  /** Silence until a ping asks though no call is under way, in milliseconds; none does where it is not given. */
  readonly idleKeepaliveMs?: number | undefined;
  /** True where pings that are all that is heard grow rarer. */
  readonly patient: boolean;
  /** Called, now and then, once nothing was heard and no call made for `restedMs`. */
  readonly rested?: () => void;
  readonly restedMs?: number;
  /** Called for a stream whose message does not come fast enough. */
  readonly stalled?: (stream: Stream) => void;
}

const LONGEST_PERIOD_MS = 1000;
/** A header block, or another small frame, that has begun is whole after this, however long messages may take. */
const LONGEST_BLOCK_MS = 5000;
/** So many messages that have begun share the least rate of their connection; more of them must come faster. */
const MOST_THAT_SHARE = 8;

// A gRPC server that is pinged more than three times within five minutes, while it has nothing to say, hangs up
// (grpc-go's and grpc-java's enforcement, as they are by default). So the pauses grow: 0.5 s, 12 s, 72 s, then these. They
// begin anew with the next headers or data, after which those servers count anew.
const PAUSE_GROWTH = 6;
/** The first and what such a server forgives. */
const MOST_PINGS = 3;
const LONGEST_PAUSE_MS = 310_000;
/** A peer that has not answered a ping for this part of the time it has is taken for silent. */
const SILENT_PART = 0.25;
/** A look that comes later than this was kept waiting by our own event loop, as was all that the peer has sent. */
const LATE_MS = 100;
/** Until then what waited has been read. */
const CATCH_UP_MS = 20;

/** Looks at a connection now and then: does the peer live, does it bring what it has begun? */
export class Watch extends Alarm {
  readonly #wheel: TimerWheel;
  readonly #connection: Connection<Stream, unknown>;
  readonly #options: WatchOptions;
  readonly #since: number = now();
  readonly #quietMs: number;
  readonly #periodMs: number;
  /** It has waited for what our own event loop had kept waiting. */
  #caughtUp = false;
  /** The ping under way came before `keepaliveMs` were over. */
  #early = false;
  #blockSince = 0;
  #pauseMs: number;
  /** When streams were looked at last. */
  #lookedAt: number = now();

  constructor(wheel: TimerWheel, connection: Connection<Stream, unknown>, options: WatchOptions) {
    super();
    this.#wheel = wheel;
    this.#connection = connection;
    this.#options = options;
    const { keepaliveMs, keepaliveTimeoutMs, quietMs = keepaliveMs } = options;
    const { idleKeepaliveMs = keepaliveMs, restedMs = keepaliveMs } = options;
    this.#quietMs = quietMs;
    this.#pauseMs = quietMs;
    const { handshakeTimeoutMs, stallTimeoutMs } = connection.limits;
    const pings = Math.min(keepaliveMs, keepaliveTimeoutMs, 2 * quietMs, idleKeepaliveMs, restedMs);
    const shortest = Math.min(pings, handshakeTimeoutMs, stallTimeoutMs);
    this.#periodMs = Math.min(LONGEST_PERIOD_MS, Math.max(1, shortest / 4));
    wheel.set(this, this.#since + this.#periodMs);
  }

  ring(): void {
    const connection = this.#connection;
    if (connection.deaf) return;
    const time = now();
    if (time - this.deadline > LATE_MS && !this.#caughtUp) {
      this.#caughtUp = true;
      this.#wheel.set(this, time + CATCH_UP_MS);
      return;
    }
    this.#caughtUp = false;
    connection.tidy(time);
    if (connection.pausedAt > 0) {
      // What it sends is not looked at: it cannot be late.
      this.#blockSince = 0;
      connection.checkPause(time);
      if (!connection.deaf) this.#wheel.set(this, time + this.#periodMs);
      return;
    }
    if (connection.settled) this.#checkLife(time);
    else if (time - this.#since > connection.limits.handshakeTimeoutMs) connection.destroy("the peer sent no SETTINGS");
    if (!connection.deaf) this.#checkBlock(time);
    if (!connection.deaf && this.#options.stalled !== undefined) this.#checkStreams(time, this.#options.stalled);
    if (!connection.deaf) this.#wheel.set(this, time + this.#periodMs);
  }

  /** The connection is gone. */
  stop(): void {
    this.#wheel.clear(this);
  }

  #checkLife(time: number): void {
    const connection = this.#connection;
    if (connection.pingSentAt > 0) {
      this.#checkAnswer(time);
      return;
    }
    this.#early = false;
    if (connection.spokeAt > connection.pingAnsweredAt) {
      this.#pauseMs = this.#quietMs;
      connection.pings = 0;
    }
    if (connection.streams.size === 0) this.#checkIdle(time);
    else if (time - connection.heardAt >= this.#pauseMs) this.#ask(time);
  }

  #ask(time: number): void {
    const connection = this.#connection;
    const { keepaliveMs, patient } = this.#options;
    this.#early = time - connection.heardAt < keepaliveMs;
    connection.ping();
    if (!patient) return;
    const longerMs =
      connection.pings < MOST_PINGS ? Math.max(this.#pauseMs, keepaliveMs) * PAUSE_GROWTH : LONGEST_PAUSE_MS;
    this.#pauseMs = Math.max(keepaliveMs, Math.min(longerMs, LONGEST_PAUSE_MS));
  }

  #checkIdle(time: number): void {
    const { idleKeepaliveMs = Number.POSITIVE_INFINITY, rested, restedMs = Number.POSITIVE_INFINITY } = this.#options;
    const quietMs = time - this.#connection.heardAt;
    if (quietMs >= idleKeepaliveMs) this.#connection.ping();
    else if (quietMs >= restedMs) rested?.();
  }

  #checkAnswer(time: number): void {
    const connection = this.#connection;
    const { keepaliveMs, keepaliveTimeoutMs } = this.#options;
    // Whatever came after the ping shows that the peer lives, though its answer may wait behind other frames.
    const since = Math.max(connection.pingSentAt, connection.heardAt);
    const due = this.#early ? Math.max(since, connection.heardAt + keepaliveMs) : since;
    if (time - due > keepaliveTimeoutMs) connection.destroy(`no answer to a ping within ${keepaliveTimeoutMs} ms`);
    else if (time - since >= keepaliveTimeoutMs * SILENT_PART) connection.becomeSilent();
  }

  #checkBlock(time: number): void {
    const connection = this.#connection;
    if (!connection.blockUnderWay) this.#blockSince = 0;
    else if (this.#blockSince === 0) this.#blockSince = time;
    else if (time - this.#blockSince > Math.min(LONGEST_BLOCK_MS, connection.limits.stallTimeoutMs)) {
      connection.fail(ErrorCode.ENHANCE_YOUR_CALM, "a frame that has begun does not come");
    }
  }

  #checkStreams(time: number, stalled: (stream: Stream) => void): void {
    const { streams, limits, memory } = this.#connection;
    const sinceMs = time - this.#lookedAt;
    this.#lookedAt = time;
    if (streams.size === 0) return;
    let begun = 0;
    for (const { stalledSince, arrived } of streams.all()) if (stalledSince > 0 && arrived > 0) begun++;
    const bytesPerMs = limits.leastBytesPerSecond / Math.min(MOST_THAT_SHARE, Math.max(1, begun)) / 1000;
    for (const stream of streams.all()) {
      if (stream.stalledSince === 0) continue;
      // What it may not send yet does not come late, nor once it may: the time that we held it back is not its own.
      if (stream.window <= 0 || memory.window <= 0) {
        stream.stalledSince = Math.min(time, stream.stalledSince + sinceMs);
        continue;
      }
      const allowedMs = limits.stallTimeoutMs + stream.arrived / bytesPerMs;
      if (time - stream.stalledSince > allowedMs) stalled(stream);
    }
  }
}
