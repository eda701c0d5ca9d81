import { now } from "../../core/deadline.ts";
import type { Connection } from "./connection.ts";
import { ErrorCode } from "./frame.ts";
import type { Stream } from "./stream.ts";
import { Alarm, type TimerWheel } from "./timer-wheel.ts";

export interface WatchOptions {
  /** Silence until a ping asks whether the peer lives, in milliseconds. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** True where pings are sent though no call is under way. */
  readonly pingWhenIdle: boolean;
  /** True where pings that are all that is heard grow rarer. */
  readonly patient: boolean;
  /** Called for a stream whose message does not come fast enough. */
  readonly stalled?: (stream: Stream) => void;
}

const LONGEST_PERIOD_MS = 1000;

// A gRPC server that is pinged more than three times within five minutes, while it has nothing to say, hangs up
// (grpc-go's and grpc-java's enforcement, as they are by default). So the pauses grow: 2 s, 12 s, 72 s, then these.
const PAUSE_GROWTH = 6;
const LONGEST_PAUSE_MS = 310_000;

/** Looks at a connection now and then: does the peer live, does it bring what it has begun? */
export class Watch extends Alarm {
  readonly #wheel: TimerWheel;
  readonly #connection: Connection<Stream, unknown>;
  readonly #options: WatchOptions;
  readonly #since: number = now();
  readonly #periodMs: number;
  #blockSince = 0;
  #pauseMs: number;

  constructor(wheel: TimerWheel, connection: Connection<Stream, unknown>, options: WatchOptions) {
    super();
    this.#wheel = wheel;
    this.#connection = connection;
    this.#options = options;
    const { keepaliveMs, keepaliveTimeoutMs } = options;
    this.#pauseMs = keepaliveMs;
    const { handshakeTimeoutMs, stallTimeoutMs } = connection.limits;
    const shortest = Math.min(keepaliveMs, keepaliveTimeoutMs, handshakeTimeoutMs, stallTimeoutMs);
    this.#periodMs = Math.min(LONGEST_PERIOD_MS, Math.max(1, shortest / 4));
    wheel.set(this, this.#since + this.#periodMs);
  }

  ring(): void {
    const connection = this.#connection;
    if (connection.deaf) return;
    const time = now();
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
    const { keepaliveMs, keepaliveTimeoutMs, pingWhenIdle, patient } = this.#options;
    if (connection.pingSentAt > 0) {
      // Whatever came after the ping shows that the peer lives, though its answer may wait behind other frames.
      const silentMs = time - Math.max(connection.pingSentAt, connection.heardAt);
      if (silentMs > keepaliveTimeoutMs) connection.destroy(`no answer to a ping within ${keepaliveTimeoutMs} ms`);
      return;
    }
    if (!pingWhenIdle && connection.streams.size === 0) return;
    if (connection.heardAt > connection.pingAnsweredAt) this.#pauseMs = keepaliveMs;
    if (time - connection.heardAt < this.#pauseMs) return;
    connection.ping();
    if (patient) this.#pauseMs = Math.max(keepaliveMs, Math.min(this.#pauseMs * PAUSE_GROWTH, LONGEST_PAUSE_MS));
  }

  #checkBlock(time: number): void {
    const connection = this.#connection;
    if (!connection.blockUnderWay) this.#blockSince = 0;
    else if (this.#blockSince === 0) this.#blockSince = time;
    else if (time - this.#blockSince > connection.limits.stallTimeoutMs) {
      connection.fail(ErrorCode.ENHANCE_YOUR_CALM, "a frame that has begun does not come");
    }
  }

  #checkStreams(time: number, stalled: (stream: Stream) => void): void {
    const { streams, limits } = this.#connection;
    if (streams.size === 0) return;
    for (const stream of streams.all()) {
      if (stream.stalledSince === 0 || stream.window <= 0) continue;
      const allowedMs = limits.stallTimeoutMs + (stream.arrived / 1024) * 1000;
      if (time - stream.stalledSince > allowedMs) stalled(stream);
    }
  }
}
