import { now } from "../../core/deadline.ts";
import { Alarm, type TimerWheel } from "../timer-wheel.ts";
import type { ServerConnection } from "./server-connection.ts";

/** How long a connection may be, and be idle, in milliseconds; `Infinity` for ever. */
export interface LifetimeOptions {
  readonly maxAgeMs: number;
  /** What its calls have to come to their end once it is too old. */
  readonly graceMs: number;
  readonly maxIdleMs: number;
  /** A random number from 0 to 1. */
  readonly random: () => number;
}

/** gRPC's A9: by so much more or less, that connections which were made together do not all go together. */
const JITTER = 0.1;
/** An idle connection is looked at so many times until it is sent away: no call has to write down when it ended. */
const LOOKS = 8;
/** A client that has not answered the first GOAWAY after this has had time to read it, in milliseconds. */
const ANSWER_MS = 5_000;

/**
 * Sends a connection away that is too old, or that has had no call for long: the client is told to open another, and the
 * calls under way finish. https://github.com/grpc/proposal/blob/master/A9-server-side-conn-mgt.md
 */
export class Lifetime extends Alarm {
  readonly #wheel: TimerWheel;
  readonly #connection: ServerConnection;
  readonly #options: LifetimeOptions;
  readonly #oldAt: number;
  #idleSince: number = now();
  #seenId = 0;
  #goneAt = Number.POSITIVE_INFINITY;

  constructor(wheel: TimerWheel, connection: ServerConnection, options: LifetimeOptions) {
    super();
    this.#wheel = wheel;
    this.#connection = connection;
    this.#options = options;
    this.#oldAt = this.#idleSince + options.maxAgeMs * (1 + JITTER * (2 * options.random() - 1));
    this.#setNext(this.#idleSince);
  }

  ring(): void {
    if (this.#connection.deaf) return;
    const time = now();
    if (this.#goneAt < Number.POSITIVE_INFINITY) this.#end(time);
    else if (time >= this.#oldAt) this.#sendAway(time, "max_age");
    else if (this.#isIdle(time)) this.#sendAway(time, "max_idle");
    if (!this.#connection.deaf) this.#setNext(time);
  }

  /** The connection is gone. */
  stop(): void {
    this.#wheel.clear(this);
  }

  #isIdle(time: number): boolean {
    const { newestId, streams } = this.#connection;
    if (streams.size > 0 || newestId !== this.#seenId) this.#idleSince = time;
    this.#seenId = newestId;
    return time - this.#idleSince >= this.#options.maxIdleMs;
  }

  /** @param word what gRPC's servers call it */
  #sendAway(time: number, word: string): void {
    this.#goneAt = time;
    this.#connection.drain(word);
  }

  #end(time: number): void {
    const goneMs = time - this.#goneAt;
    if (goneMs >= ANSWER_MS) this.#connection.stopAccepting();
    if (goneMs >= this.#options.graceMs) this.#connection.shut("the connection has reached its greatest age");
  }

  #setNext(time: number): void {
    const { graceMs, maxIdleMs } = this.#options;
    const answer = this.#goneAt + ANSWER_MS;
    const next =
      this.#goneAt === Number.POSITIVE_INFINITY
        ? Math.min(this.#oldAt, this.#idleSince + maxIdleMs, time + maxIdleMs / LOOKS)
        : Math.min(this.#goneAt + graceMs, time < answer ? answer : Number.POSITIVE_INFINITY);
    if (next < Number.POSITIVE_INFINITY) this.#wheel.set(this, Math.max(next, time + 1));
  }
}
