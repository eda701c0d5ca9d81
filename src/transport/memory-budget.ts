import { totalmem } from "node:os";
import { checkNames } from "../core/option-names.ts";
import { shownAs } from "../core/shown-as.ts";
import { CallRoom } from "./call-room.ts";
import { MemoryAccount } from "./memory-account.ts";
import { RequestRoom } from "./request-room.ts";

/** Who holds memory: a connection. */
export interface Borrower {
  /** There may be room again for what it waits for. */
  room(): void;
  /**
   * It holds much that does not move, and others need it: what is this side's to let go of it lets go of soon, where that
   * is so much. It gives how much, in bytes.
   */
  letGo?(least: number): number;
  /** It holds much that does not move, and others need it: it must let go of everything now. */
  evict(): void;
}

const MOST_BYTES = 1024 * 1024 * 1024;
/** What may be lent in all with what one has in its turn that others leave no room for, as a part of the budget. */
const FAVOURED_PART = 1.125;
/** Nobody is ended for less. */
const LEAST_EVICTED_BYTES = 16 * 1024;
/**
 * What may wait to be sent to all peers, as a part of the budget and beside it: of this much nobody has more than is left
 * for the others, and the rest is for those of whom little waits. Where nothing waits, one message may be as large as it
 * all.
 */
const SHARED_UNSENT_PART = 3 / 8;
const UNSENT_PART = 1 / 2;
const SMALL_UNSENT_BYTES = 4 * 1024 * 1024;
/** What may always wait for one connection. */
const FIRST_UNSENT_BYTES = 64 * 1024;
/** What calls that are open may take, as a part of the budget and beside it. */
const CALLS_PART = 1 / 2;
/** What handlers may hold of requests, as a part of the budget and beside it. */
const REQUESTS_PART = 1 / 2;
/** How often those that wait are looked at, in milliseconds. */
const LOOK_MS = 1000;

export interface MemoryBudgetOptions {
  /** What all may hold together, in bytes; a quarter of what the process may use, and at most 1 GiB, by default. */
  readonly bytes?: number | undefined;
  /** Milliseconds in which memory must move where others wait for it; 5,000 by default. */
  readonly patienceMs?: number | undefined;
}

/**
 * The memory that peers may fill, all connections of a process together: windows that are open, messages that have begun
 * or that nobody has read, what is inflated. It is lent before it is filled.
 *
 * Nobody is lent more than is left for the others, so a few never take it all; windows grow only while half of it is
 * free, and leave a quarter for messages. Who is alone with a message has all. Where somebody waits, those that hold most
 * and do not move are ended until half of it is free again; who waits itself is let have what it needs first, and ended
 * last.
 *
 * ```ts
 * const memory = new MemoryBudget({ bytes: 256 * 1024 * 1024 });
 * createServer({ transport: http2({ memory }) });
 * ```
 */
export class MemoryBudget {
  /** What all may hold together. */
  readonly bytes: number;
  /** What calls take while they are open: beside what is lent, and half as much. */
  readonly calls: CallRoom;
  /** What handlers hold of requests that are decoded: beside what is lent, and half as much. */
  readonly requests: RequestRoom;
  readonly #patienceMs: number;
  #lent = 0;
  #unsent = 0;
  /** When something was last refused that would have waited to be sent. */
  #refusedAt = Number.NEGATIVE_INFINITY;
  readonly #accounts = new Set<MemoryAccount>();
  readonly #waiting = new Set<MemoryAccount>();
  #look: NodeJS.Timeout | undefined;
  #lookDue = 0;
  #roomScheduled = false;
  /** Since when somebody has waited without anybody being ended. */
  #idleSince = 0;
  /** True once one of those that have waited since then had what it needed, as far as there may be that. */
  #hasFavoured = false;
  /** Accounts that hold more than they always may. */
  #holding = 0;

  constructor(options: MemoryBudgetOptions = {}) {
    checkNames(options, { bytes: true, patienceMs: true }, "MemoryBudget");
    const { bytes = defaultBytes(), patienceMs = 5000 } = options;
    if (!(bytes > 0)) throw new TypeError(`a memory budget of ${bytes} bytes: give a number over 0`);
    this.bytes = bytes;
    this.calls = new CallRoom(bytes * CALLS_PART);
    this.requests = new RequestRoom({ bytes: bytes * REQUESTS_PART, patienceMs, waits: () => this.#refused() });
    this.#patienceMs = patienceMs;
  }

  /**
   * What is lent, in bytes; what peers have filled is never more than this. Beyond `bytes` it goes by no more than the
   * first 64 KiB of data of each connection, which may take twice as much, and one message that would wait for ever.
   */
  get lent(): number {
    return this.#lent;
  }

  /** What peers have filled: messages that have begun or that nobody has read, in bytes. */
  get held(): number {
    let bytes = 0;
    for (const { held } of this.#accounts) bytes += held;
    return bytes;
  }

  /**
   * What waits until peers take it, in bytes; beside what is lent, and no more than half of `bytes`, or than one message
   * and 64 KiB.
   */
  get unsent(): number {
    return this.#unsent;
  }

  get free(): number {
    return this.bytes - this.#lent;
  }

  /**
   * @param window bytes that may come without being asked for
   * @param from the network that the connection comes from
   */
  open(borrower: Borrower, window: number, from?: string): MemoryAccount {
    const account = new MemoryAccount(this, borrower, window, from);
    this.#accounts.add(account);
    return account;
  }

  /** Lends as much as leaves no less for the others than the account has then. */
  lendShare(account: MemoryAccount, bytes: number): boolean {
    if (account.borrowed + bytes > this.free - bytes) return false;
    this.lend(account, bytes);
    return true;
  }

  /** Lends where this part of all is free afterwards. */
  lendWindow(account: MemoryAccount, bytes: number, freePart: number): boolean {
    return this.free - bytes >= this.bytes * freePart && this.lendShare(account, bytes);
  }

  /** Lends for a message whatever is left, up to all there is, where nobody else holds anything or waits. */
  lendLone(account: MemoryAccount, bytes: number): boolean {
    const others = this.#holding - (account.held > account.first ? 1 : 0);
    const waiting = this.#waiting.size - (this.#waiting.has(account) ? 1 : 0);
    if (others > 0 || waiting > 0 || account.held + account.spare + bytes > this.bytes) return false;
    this.lend(account, bytes);
    return true;
  }

  /** It holds another amount than before: what it always may is lent as it is filled. */
  count(account: MemoryAccount, before: number): void {
    const { held, first } = account;
    if (before > first && held > first) return;
    this.#holding += (held > first ? 1 : 0) - (before > first ? 1 : 0);
    this.#lent += Math.min(held, first) - Math.min(before, first);
    if (held < before && this.#waiting.size > 0) this.#scheduleRoom();
  }

  /** Lends what is filled already. */
  lend(account: MemoryAccount, bytes: number): void {
    account.borrowed += bytes;
    this.#lent += bytes;
  }

  /** True where so much more may wait to be sent; those that take nothing are ended where it may not. */
  lendUnsent(account: MemoryAccount, bytes: number): boolean {
    const after = account.unsent + bytes;
    const all = this.#unsent + bytes;
    const isAlone = this.#unsent <= FIRST_UNSENT_BYTES && bytes <= this.bytes;
    const isLent =
      isAlone ||
      after <= FIRST_UNSENT_BYTES ||
      after <= this.bytes * SHARED_UNSENT_PART - all ||
      (after <= SMALL_UNSENT_BYTES && all <= this.bytes * UNSENT_PART);
    if (isLent) this.#unsent = all;
    else this.#refused();
    return isLent;
  }

  giveBackUnsent(bytes: number): void {
    this.#unsent -= bytes;
  }

  #refused(): void {
    this.#refusedAt = performance.now();
    this.#lookOut();
  }

  giveBack(account: MemoryAccount, bytes: number): void {
    account.borrowed -= bytes;
    this.#lent -= bytes;
    if (this.#waiting.size > 0) this.#scheduleRoom();
  }

  close(account: MemoryAccount): void {
    this.#accounts.delete(account);
    this.#waiting.delete(account);
    this.#unsent -= account.unsent;
    this.#lent -= Math.min(account.held, account.first);
    if (account.held > account.first) this.#holding--;
    this.giveBack(account, account.borrowed);
  }

  wait(account: MemoryAccount): void {
    if (this.#waiting.size === 0) this.#helpAnew(performance.now());
    this.#waiting.add(account);
    this.#lookOut();
  }

  waitNoMore(account: MemoryAccount): void {
    this.#waiting.delete(account);
  }

  #scheduleRoom(): void {
    if (this.#roomScheduled) return;
    this.#roomScheduled = true;
    setImmediate(() => {
      this.#roomScheduled = false;
      for (const account of [...this.#waiting]) account.room();
    });
  }

  #lookOut(): void {
    if (this.#look !== undefined) return;
    this.#lookLater();
    const time = performance.now();
    for (const account of this.#accounts) account.othersWait(time);
  }

  #lookLater(): void {
    const inMs = Math.min(LOOK_MS, this.#patienceMs / 2);
    this.#lookDue = performance.now() + inMs;
    this.#look = setTimeout(this.#onLook, inMs).unref();
  }

  /** While the event loop was busy nothing could move: that is nobody's fault. */
  #pause(ms: number): void {
    if (ms <= 0) return;
    this.#idleSince += ms;
    for (const account of this.#accounts) account.pause(ms);
  }

  readonly #onLook = (): void => {
    const time = performance.now();
    this.#pause(time - this.#lookDue);
    for (const account of [...this.#waiting]) account.room();
    const wasRefused = time - this.#refusedAt < 2 * this.#patienceMs;
    if (wasRefused) this.#evictUnsent(time);
    if (this.#waiting.size > 0) this.#help(time);
    if (this.#waiting.size > 0 || wasRefused) this.#lookLater();
    else this.#look = undefined;
  };

  /** Those that wait do not move because they are let have nothing: they have what they need in turn, before they end. */
  #help(time: number): void {
    const stuck = [...this.#accounts].filter((each) => each.isStuck(time, this.#patienceMs));
    const idleMs = time - this.#idleSince;
    // A look may come late: each step is tried, and none left out.
    const hasFavoured = this.#hasFavoured;
    const mayEndWaiting = hasFavoured && this.#waiting.size > 1 && idleMs >= 1.5 * this.#patienceMs;
    const isEvicted =
      this.#evictMost(stuck.filter(({ short }) => !short)) ||
      (mayEndWaiting && this.#evictMost(this.#holdingMuch(stuck.filter(({ short }) => short))));
    if (isEvicted) this.#helpAnew(time);
    else if (idleMs >= this.#patienceMs && this.#favourOne(hasFavoured && idleMs >= 2 * this.#patienceMs))
      this.#helpAnew(time);
  }

  /** Those that hold no less than all do on average: of the others nobody waits for what they hold. */
  #holdingMuch(accounts: MemoryAccount[]): MemoryAccount[] {
    let holding = 0;
    for (const { held } of this.#accounts) if (held > 0) holding++;
    const least = this.held / holding;
    return accounts.filter(({ held }) => held >= least);
  }

  #helpAnew(time: number): void {
    this.#idleSince = time;
    this.#hasFavoured = false;
  }

  /**
   * True where one has all that it waited for.
   * @param anyway whatever it takes: nothing else has helped
   */
  #favourOne(anyway: boolean): boolean {
    this.#hasFavoured = true;
    const [first] = this.#waiting;
    const most = this.bytes * FAVOURED_PART - this.#lent;
    if (first === undefined || most <= 0) return false;
    first.favour(anyway ? Number.POSITIVE_INFINITY : most);
    if (!first.short) return true;
    // The next time it is another's turn.
    this.#waiting.delete(first);
    this.#waiting.add(first);
    return false;
  }

  /**
   * Ends those of whom most waits and who take nothing of it, until half of what is shared is free; and where requests
   * wait for room, those of whom replies stand in it.
   */
  #evictUnsent(time: number): void {
    const stuck = [...this.#accounts].filter((each) => each.isUnsentStuck(time, this.#patienceMs));
    stuck.sort((one, other) => other.unsent - one.unsent);
    for (const account of stuck) {
      const isCrowded = this.#unsent > (this.bytes * SHARED_UNSENT_PART) / 2;
      if (isCrowded || (this.requests.isShort && account.isInRoomOfRequests)) account.evict();
    }
  }

  #evictMost(stuck: MemoryAccount[]): boolean {
    stuck.sort((one, other) => other.held - one.held);
    let evicted = false;
    let letGo = 0;
    for (const account of stuck) {
      if (this.free + letGo >= this.bytes / 2 || account.held < LEAST_EVICTED_BYTES) break;
      letGo += account.relieve();
      evicted = true;
    }
    return evicted;
  }
}

let shared: MemoryBudget | undefined;

/** The budget of the process, for all connections that are not given another. */
export function processMemory(): MemoryBudget {
  shared ??= new MemoryBudget();
  return shared;
}

/** What is said of the limit of a container may be nothing, or more than there is. */
function defaultBytes(): number {
  const constrained = process.constrainedMemory?.() ?? 0;
  const usable = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.min(MOST_BYTES, Math.floor(usable / 4));
}

shownAs(MemoryBudget.prototype, "MemoryBudget", ({ bytes, lent, held, unsent }) => ({ bytes, lent, held, unsent }));
