import type { Borrower, MemoryBudget } from "./memory-budget.ts";
import { MemoryPace } from "./memory-pace.ts";

/** A byte that comes may take two: what is kept grows by doubling. */
const COST_OF_A_BYTE = 2;
/** Memory is lent in pieces of this size. */
const CHUNK_BYTES = 256 * 1024;
/** More than this, lent and not needed, is given back. */
const MOST_SPARE_BYTES = 2 * 1024 * 1024;

/** What a connection with such a first window may fill without borrowing it, in bytes. */
export function firstBytes(window: number): number {
  return COST_OF_A_BYTE * window;
}

/** What one connection has borrowed of a budget, and what for. All in bytes. */
export class MemoryAccount {
  /** What the peer may still send on the connection. */
  window: number;
  /** What is kept for it. */
  held = 0;
  /** The network that it comes from, where that is known: all of one take their turn together. */
  readonly from: string | undefined;
  borrowed = 0;
  /** What it may fill without anything being borrowed: its first window, whatever others do. It is lent as it is filled. */
  readonly first: number;
  /** What waits to be sent to the peer. It is counted by itself, so that it never keeps anything from coming. */
  unsent = 0;
  /** What waits to be sent besides, and is counted elsewhere. */
  #unsentElsewhere = 0;
  /** What it has let go of so far, and what it has been allowed to send: how both change tells whether it moves. */
  #freed = 0;
  #allowed: number;
  readonly #pace = new MemoryPace();
  /** What the peer has taken so far. */
  #taken = 0;
  readonly #unsentPace = new MemoryPace();
  #short = false;
  /** What it may be lent whatever is left. */
  #favour = 0;
  #open = true;
  readonly #budget: MemoryBudget;
  readonly #borrower: Borrower;

  constructor(budget: MemoryBudget, borrower: Borrower, window: number, from?: string) {
    this.from = from;
    this.#budget = budget;
    this.#borrower = borrower;
    this.window = window;
    this.first = firstBytes(window);
    this.#allowed = window;
  }

  /** True while somebody waits for what could not be lent. */
  get short(): boolean {
    return this.#short;
  }

  /** What is lent and neither filled nor promised to the peer. */
  get spare(): number {
    return this.first + this.borrowed - this.held - COST_OF_A_BYTE * this.window;
  }

  /** The largest message that can come at all, when nobody else has anything. */
  get mostMessageBytes(): number {
    return this.#budget.bytes - this.first;
  }

  /** What the whole budget is. */
  get budgetBytes(): number {
    return this.#budget.bytes;
  }

  /** So much more is kept. */
  hold(bytes: number): void {
    const before = this.held;
    this.held += bytes;
    if (!this.#open) return;
    if (before === 0) this.#pace.mark(this.#moved, performance.now());
    this.#budget.count(this, before);
    const lacking = -this.spare;
    // Exactly so much: more would be there to be promised to the peer.
    if (lacking > 0) this.#budget.lend(this, lacking);
  }

  /** So much is kept no longer. */
  free(bytes: number): void {
    const before = this.held;
    this.held -= bytes;
    this.#freed += bytes;
    if (!this.#open) return;
    this.#budget.count(this, before);
    if (this.held === 0) this.#keepSpare(0);
    else if (this.spare > MOST_SPARE_BYTES) this.#keepSpare(CHUNK_BYTES);
    if (this.#short) this.room();
  }

  /** True where so much may be kept until the peer takes it; it is charged then. */
  keepUnsent(bytes: number): boolean {
    if (!this.#open || !this.#budget.lendUnsent(this, bytes)) return false;
    this.#beginUnsent();
    this.unsent += bytes;
    return true;
  }

  /** So much is kept until the peer takes it, and counted as what its requests take: here only whether it moves. */
  keepElsewhere(bytes: number): void {
    this.#beginUnsent();
    this.#unsentElsewhere += bytes;
  }

  /** True where something of it stands in the room of requests. */
  get isInRoomOfRequests(): boolean {
    return this.#unsentElsewhere > 0;
  }

  freeElsewhere(bytes: number): void {
    this.#unsentElsewhere -= bytes;
  }

  #beginUnsent(): void {
    if (this.unsent + this.#unsentElsewhere === 0) this.#unsentPace.mark(this.#taken, performance.now());
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

  #keepSpare(bytes: number): void {
    const unused = Math.min(this.borrowed, this.spare - bytes);
    if (unused > 0) this.#budget.giveBack(this, unused);
  }

  /** Others wait from now on: what moved before says nothing, and what is not needed is for them. */
  othersWait(time: number): void {
    this.#pace.mark(this.#moved, time);
    this.#unsentPace.mark(this.#taken, time);
    if (this.held <= this.first && !this.#short) this.#keepSpare(0);
  }

  /** True where so much more may be kept: it is lent now. */
  has(bytes: number): boolean {
    const lacking = bytes - this.spare;
    if (lacking <= 0) return true;
    if (lacking > this.#favour) return this.#budget.lendShare(this, inChunks(lacking));
    this.#favour = 0;
    this.#budget.lend(this, lacking);
    return true;
  }

  /** The same of the only message that comes: where nobody else has anything it may have all. */
  hasAlone(bytes: number): boolean {
    return this.has(bytes) || this.#budget.lendLone(this, bytes - this.spare);
  }

  /** True where so much more may come: it is lent now, and leaves this part of the budget free. */
  mayAllow(bytes: number, freePart: number): boolean {
    const lacking = COST_OF_A_BYTE * bytes - this.spare;
    if (lacking <= 0) return true;
    if (lacking > this.#favour) return this.#budget.lendWindow(this, inChunks(lacking), freePart);
    this.#favour -= lacking;
    this.#budget.lend(this, lacking);
    return true;
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

  /** Has what it waits for, whatever is left, where it is no more than `most` bytes. */
  favour(most: number): void {
    this.#favour = most;
    this.room();
    this.#favour = 0;
  }

  /** True where next to nothing of what is held has moved, neither in nor out, for as long as one may have patience. */
  isStuck(time: number, patienceMs: number): boolean {
    return this.#pace.isStuck(this.held, this.#moved, time, patienceMs);
  }

  /** So long, in milliseconds, this side took nothing in and sent nothing out. */
  pause(ms: number): void {
    this.#pace.pause(ms);
    this.#unsentPace.pause(ms);
  }

  get #moved(): number {
    return this.#freed + this.#allowed - this.window;
  }

  /** The same of what waits to be sent. */
  isUnsentStuck(time: number, patienceMs: number): boolean {
    return this.#unsentPace.isStuck(this.unsent + this.#unsentElsewhere, this.#taken, time, patienceMs);
  }

  /** Lets go of what does not move: of what waits for this side, where that is half of it or more, or it is ended. */
  relieve(): number {
    const letGo = this.#borrower.letGo?.(this.held / 2) ?? 0;
    if (letGo === 0) this.evict();
    return letGo;
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
