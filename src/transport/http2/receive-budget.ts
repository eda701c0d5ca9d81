import type { MemoryAccount } from "../memory-account.ts";
import type { Limits } from "./limits.ts";

/** A stream's receive window, as its connection counts it. All in bytes. */
export interface ReceiveWindow {
  /** What the peer may still send. A frame counts as sent when it begins. */
  window: number;
  /** What is still to come of a frame that has begun. */
  coming: number;
  /** What the peer may have sent and nobody read: the first window and what it grew by. */
  target: number;
  /** What has been read and the peer has not been told of. */
  unsaid: number;
  /** What was added so that a message larger than the window can come. */
  granted: number;
  /** Bytes that a grant which waits is for. */
  waitsFor: number;
}

/**
 * The memory that one peer may fill beyond the first window of each stream. Windows grow out of it, for readers that
 * keep up and for messages that are larger than their stream's window, and it is given back as they are read.
 *
 * A message's grant covers all that is missing of it, so each that is granted can come to its end. Those for which
 * nothing is left wait in turn; what they lack is reckoned anew when their turn comes. One that needs more than half of
 * it all may always come, so that what others hold and nobody reads never stops it.
 */
export class ReceiveBudget {
  readonly #limits: Limits;
  readonly #memory: MemoryAccount;
  /** Below 0 by what a message lacks that came though there was no room for it. */
  #left: number;
  #granted = 0;
  #waiting: ReceiveWindow[] = [];
  readonly #update: (window: ReceiveWindow, bytes: number) => void;

  /** @param update tells the peer that a stream's window has grown */
  constructor(limits: Limits, memory: MemoryAccount, update: (window: ReceiveWindow, bytes: number) => void) {
    this.#limits = limits;
    this.#memory = memory;
    this.#left = limits.growthBytes;
    this.#update = update;
  }

  /** `bytes` of a stream were read. `empty`: its reader has read all there is, and so keeps up. */
  read(window: ReceiveWindow, bytes: number, empty: boolean): void {
    window.unsaid += bytes;
    if (window.granted > 0) this.#takeBack(window);
    if (window.unsaid * 2 < window.target && window.waitsFor === 0) return;
    const growth = empty ? this.#growthFor(window) : 0;
    window.target += growth;
    this.#say(window, growth);
  }

  /**
   * A message has begun of which `missing` bytes are still to come: the peer must be able to send them.
   * @returns true where it may by now
   */
  expect(window: ReceiveWindow, missing: number): boolean {
    if (missing <= window.window + window.coming) return true;
    if (window.unsaid > 0) this.#say(window, 0);
    const lacking = missing - window.window - window.coming;
    if (lacking <= 0) return true;
    if (window.waitsFor > 0) return false;
    if (this.#waiting.length === 0 && this.#mayHave(lacking)) {
      this.#grant(window, lacking);
      return true;
    }
    window.waitsFor = lacking;
    this.#waiting.push(window);
    return false;
  }

  /** The stream has ended, or its only message has been taken: what it held is free. */
  release(window: ReceiveWindow): void {
    const grown = Math.max(0, window.target - this.#limits.streamWindowBytes);
    if (window.granted === 0 && grown === 0 && window.waitsFor === 0) return;
    this.#left += grown;
    window.target -= grown;
    if (window.granted > 0) this.#giveBack(window, window.granted);
    if (window.waitsFor > 0) this.#waitNoMore(window);
    this.serve();
  }

  /** Grants what waits for it, as far as there is room. */
  serve(): void {
    while (this.#waiting.length > 0) {
      const next = this.#waiting[0] as ReceiveWindow;
      const bytes = next.waitsFor;
      if (!this.#mayHave(bytes)) return;
      this.#waiting.shift();
      next.waitsFor = 0;
      this.#grant(next, bytes);
    }
  }

  #mayHave(bytes: number): boolean {
    const fits = bytes <= this.#left || this.#granted === 0;
    // One at a time comes though there is no room for it, and is that one for as long as it lacks room.
    if (!fits && (this.#left < 0 || bytes * 2 <= this.#limits.growthBytes)) return false;
    if (this.#granted === 0 ? this.#memory.hasAlone(bytes) : this.#memory.has(this.#granted + bytes)) return true;
    this.#memory.wait();
    return false;
  }

  #grant(window: ReceiveWindow, bytes: number): void {
    window.granted += bytes;
    this.#granted += bytes;
    this.#left -= bytes;
    window.window += bytes;
    this.#update(window, bytes);
  }

  #takeBack(window: ReceiveWindow): void {
    const back = Math.min(window.granted, window.unsaid);
    window.unsaid -= back;
    this.#giveBack(window, back);
    this.serve();
  }

  #giveBack(window: ReceiveWindow, bytes: number): void {
    window.granted -= bytes;
    this.#granted -= bytes;
    this.#left += bytes;
  }

  /** Doubles a window, while half of the budget is left for messages that are larger than theirs. */
  #growthFor(window: ReceiveWindow): number {
    const growth = Math.min(window.target, this.#limits.maxStreamWindowBytes - window.target);
    if (growth <= 0 || this.#left - growth < this.#limits.growthBytes / 2) return 0;
    if (!this.#memory.mayAllow(this.#granted + growth, 1 / 2)) return 0;
    this.#left -= growth;
    return growth;
  }

  #say(window: ReceiveWindow, growth: number): void {
    const bytes = window.unsaid + growth;
    if (bytes === 0) return;
    window.unsaid = 0;
    window.window += bytes;
    this.#update(window, bytes);
    if (window.waitsFor === 0) return;
    // It lacks so much less. Who lacks nothing any more stands in nobody's way.
    if (bytes < window.waitsFor) window.waitsFor -= bytes;
    else this.#waitNoMore(window);
  }

  #waitNoMore(window: ReceiveWindow): void {
    window.waitsFor = 0;
    const at = this.#waiting.indexOf(window);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.serve();
  }
}
