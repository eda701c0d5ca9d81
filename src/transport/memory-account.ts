import type { Borrower, MemoryBudget } from "./memory-budget.ts";
import { MemoryPace } from "./memory-pace.ts";

/** A byte that comes may take two: what is kept grows by doubling. */
const COST_OF_A_BYTE = 2;
/** Memory is lent in pieces of this size. */
const CHUNK_BYTES = 256 * 1024;
/** More than this, lent and not needed, is given back. */
const MOST_SPARE_BYTES = 2 * 1024 * 1024;

/** What one connection has borrowed of a budget, and what for. All in bytes. */
export class MemoryAccount {
  /** What the peer may still send on the connection. */
  window: number;
  /** What is kept for it. */
  held = 0;
  borrowed = 0;
  /** What waits to be sent to the peer. It is counted by itself, so that it never keeps anything from coming. */
  unsent = 0;
  /** What it has let go of so far, and what it has been allowed to send: how both change tells whether it moves. */
  #freed = 0;
  #allowed: number;
  readonly #pace = new MemoryPace();
  /** What the peer has taken so far. */
  #taken = 0;
  readonly #unsentPace = new MemoryPace();
  #short = false;
  #favoured = false;
  #open = true;
  readonly #budget: MemoryBudget;
  readonly #borrower: Borrower;

  constructor(budget: MemoryBudget, borrower: Borrower, window: number) {
    this.#budget = budget;
    this.#borrower = borrower;
    this.window = window;
    this.#allowed = window;
    budget.lend(this, window);
  }

  /** True while somebody waits for what could not be lent. */
  get short(): boolean {
    return this.#short;
  }

  /** What is lent and neither filled nor promised to the peer. */
  get spare(): number {
    return this.borrowed - this.held - COST_OF_A_BYTE * this.window;
  }

  /** So much more is kept. */
  hold(bytes: number): void {
    this.held += bytes;
    const lacking = -this.spare;
    // Exactly so much: more would be there to be promised to the peer.
    if (lacking > 0 && this.#open) this.#budget.lend(this, lacking);
  }

  /** So much is kept no longer. */
  free(bytes: number): void {
    this.held -= bytes;
    this.#freed += bytes;
    if (!this.#open) return;
    if (this.spare > MOST_SPARE_BYTES) this.#budget.giveBack(this, this.spare - CHUNK_BYTES);
    if (this.#short) this.room();
  }

  /** True where so much may be kept until the peer takes it; it is charged then. */
  keepUnsent(bytes: number): boolean {
    if (!this.#open || !this.#budget.lendUnsent(this, bytes)) return false;
    if (this.unsent === 0) this.#unsentPace.mark(this.#taken, performance.now());
    this.unsent += bytes;
    return true;
  }

  /** The peer has taken so much; it is kept all the same until what it belongs to has been taken wholly. */
  taken(bytes: number): void {
    this.#taken += bytes;
  }

  /** So much of what waits to be sent is kept no longer. */
  freeUnsent(bytes: number): void {
    if (!this.#open) return;
    this.unsent -= bytes;
    this.#budget.giveBackUnsent(bytes);
  }

  /** How much more the peer may send without anything being lent. */
  get spareWindow(): number {
    return Math.floor(this.spare / COST_OF_A_BYTE);
  }

  /** True where so much more may come: it is lent now. */
  mayAllow(bytes: number): boolean {
    return this.has(COST_OF_A_BYTE * bytes);
  }

  /** True where so much more may be kept: it is lent now. */
  has(bytes: number): boolean {
    const lacking = bytes - this.spare;
    if (lacking <= 0) return true;
    if (!this.#favoured) return this.#budget.lendShare(this, inChunks(lacking));
    this.#favoured = false;
    this.#budget.lend(this, lacking);
    return true;
  }

  /** The same as `mayAllow` for what may as well not be: a window that is larger than it must be. */
  mayAllowFreely(bytes: number): boolean {
    const lacking = COST_OF_A_BYTE * bytes - this.spare;
    return lacking <= 0 || this.#budget.lendSpare(this, inChunks(lacking));
  }

  /** The peer may send so much more; it was lent. */
  allow(bytes: number): void {
    this.window += bytes;
    this.#allowed += bytes;
  }

  /** Asks to be told when there may be room. */
  wait(): void {
    if (this.#short || !this.#open) return;
    this.#short = true;
    this.#budget.wait(this);
  }

  room(): void {
    this.#short = false;
    this.#borrower.room();
    if (!this.#short) this.#budget.waitNoMore(this);
  }

  /** Has what it waits for, whatever is left. */
  favour(): void {
    this.#favoured = true;
    this.room();
    this.#favoured = false;
  }

  /** True where next to nothing of what is held has moved, neither in nor out, for as long as one may have patience. */
  isStuck(time: number, patienceMs: number): boolean {
    return this.#pace.isStuck(this.held, this.#freed + this.#allowed - this.window, time, patienceMs);
  }

  /** The same of what waits to be sent. */
  isUnsentStuck(time: number, patienceMs: number): boolean {
    return this.#unsentPace.isStuck(this.unsent, this.#taken, time, patienceMs);
  }

  evict(): void {
    this.#borrower.evict();
    this.close();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#short = false;
    this.#budget.close(this);
  }
}

function inChunks(bytes: number): number {
  return Math.ceil(bytes / CHUNK_BYTES) * CHUNK_BYTES;
}
