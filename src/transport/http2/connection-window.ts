import type { MemoryAccount } from "../memory-account.ts";

/** The window while a connection has not shown that it needs more, in bytes; and while memory is short. */
const FIRST_BYTES = 1024 * 1024;
const LEAST_BYTES = 256 * 1024;
/** What of the budget is left where a window opens at first, where it grows, and where it is no larger than it must be. */
const FREE_AT_FIRST_PART = 3 / 4;
const FREE_PART = 1 / 2;
const LEAST_FREE_PART = 1 / 4;
/** Half of a window that is used up in so many milliseconds held the peer back, or soon will. */
const FAST_MS = 100;

/**
 * A connection's receive window. It opens as data comes, whoever reads it, and it is what bounds the memory that a
 * connection fills: it opens as far as memory is lent for it. It doubles while it is used up fast.
 */
export class ConnectionWindow {
  readonly #memory: MemoryAccount;
  readonly #most: number;
  readonly #update: (bytes: number) => void;
  #wanted: number;
  /** It opens again once no more than this is left. */
  #renewAt = 0;
  #renewedAt = 0;
  #untold = 0;

  /** @param update tells the peer that it may send so much more */
  constructor(memory: MemoryAccount, mostBytes: number, update: (bytes: number) => void) {
    this.#memory = memory;
    this.#most = mostBytes;
    this.#update = update;
    this.#wanted = Math.min(mostBytes, FIRST_BYTES);
  }

  /** Opens it for the first time; the peer is told by `tell`. */
  open(): void {
    const more = this.#wanted - this.#memory.window;
    if (more > 0 && this.#memory.mayAllow(more, FREE_AT_FIRST_PART)) {
      this.#memory.allow(more);
      this.#untold = more;
    }
    this.#renewAt = this.#memory.window / 2;
  }

  /** Tells the peer how far it is open, once anything may be said to it. */
  tell(): void {
    if (this.#untold > 0) this.#update(this.#untold);
    this.#untold = 0;
  }

  /** Data has come. False where it is more than the peer may send. */
  came(bytes: number, time: number): boolean {
    const memory = this.#memory;
    memory.window -= bytes;
    if (memory.window <= this.#renewAt) this.#renew(time);
    return memory.window >= 0;
  }

  /** Opens it where memory was short. */
  retry(): void {
    if (this.#memory.window <= this.#renewAt) this.#renew(this.#renewedAt + FAST_MS);
  }

  #renew(time: number): void {
    const memory = this.#memory;
    if (memory.window < 0) return;
    if (time - this.#renewedAt < FAST_MS) this.#wanted = Math.min(this.#most, this.#wanted * 2);
    this.#renewedAt = time;
    const more = this.#wanted - memory.window;
    const least = Math.min(this.#wanted, LEAST_BYTES) - memory.window;
    if (memory.mayAllow(more, FREE_PART)) this.#allow(more);
    else if (least > 0 && memory.mayAllow(least, LEAST_FREE_PART)) this.#allow(least);
    else if (memory.spareWindow > 0) this.#allow(Math.min(more, memory.spareWindow));
    else memory.wait();
  }

  #allow(bytes: number): void {
    this.#memory.allow(bytes);
    this.#renewAt = this.#memory.window / 2;
    this.#update(bytes);
  }
}
