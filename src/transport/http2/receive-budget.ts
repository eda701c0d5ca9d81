import type { Limits } from "./limits.ts";

/** A stream's receive window, as its connection counts it. All in bytes. */
export interface ReceiveWindow {
  /** What the peer may still send. */
  window: number;
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
 * nothing is left wait in turn.
 */
export class ReceiveBudget {
  readonly #limits: Limits;
  #left: number;
  #granted = 0;
  #waiting: ReceiveWindow[] = [];
  readonly #update: (window: ReceiveWindow, bytes: number) => void;

  /** @param update tells the peer that a stream's window has grown */
  constructor(limits: Limits, update: (window: ReceiveWindow, bytes: number) => void) {
    this.#limits = limits;
    this.#left = limits.growthBytes;
    this.#update = update;
  }

  /** `bytes` of a stream were read. `empty`: its reader has read all there is, and so keeps up. */
  read(window: ReceiveWindow, bytes: number, empty: boolean): void {
    window.unsaid += bytes;
    if (window.granted > 0) this.#takeBack(window);
    if (window.unsaid * 2 < window.target) return;
    const growth = empty ? this.#growthFor(window) : 0;
    window.target += growth;
    this.#say(window, growth);
  }

  /**
   * A message has begun of which `missing` bytes are still to come: the peer must be able to send them.
   * @returns true where it may by now
   */
  expect(window: ReceiveWindow, missing: number): boolean {
    if (missing <= window.window) return true;
    if (window.unsaid > 0) this.#say(window, 0);
    const lacking = missing - window.window;
    if (lacking <= 0) return true;
    if (window.waitsFor > 0) return false;
    const itsTurn = this.#waiting.length === 0 && lacking <= this.#left;
    if (itsTurn || this.#granted === 0) {
      this.#grant(window, lacking);
      return true;
    }
    window.waitsFor = lacking;
    this.#waiting.push(window);
    return false;
  }

  /** The stream has ended: what it held is free. */
  release(window: ReceiveWindow): void {
    const grown = window.target - this.#limits.streamWindowBytes;
    this.#granted -= window.granted;
    this.#left += window.granted + Math.max(0, grown);
    window.granted = 0;
    window.target = Math.min(window.target, this.#limits.streamWindowBytes);
    if (window.waitsFor > 0) {
      window.waitsFor = 0;
      this.#waiting = this.#waiting.filter((each) => each !== window);
    }
    this.#serve();
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
    window.granted -= back;
    window.unsaid -= back;
    this.#granted -= back;
    this.#left += back;
    this.#serve();
  }

  /** Doubles a window, while half of the budget is left for messages that are larger than theirs. */
  #growthFor(window: ReceiveWindow): number {
    const growth = Math.min(window.target, this.#limits.maxStreamWindowBytes - window.target);
    if (growth <= 0 || this.#left - growth < this.#limits.growthBytes / 2) return 0;
    this.#left -= growth;
    return growth;
  }

  #say(window: ReceiveWindow, growth: number): void {
    const bytes = window.unsaid + growth;
    window.unsaid = 0;
    window.window += bytes;
    this.#update(window, bytes);
  }

  #serve(): void {
    while (this.#waiting.length > 0) {
      const next = this.#waiting[0] as ReceiveWindow;
      if (next.waitsFor > this.#left && this.#granted > 0) return;
      this.#waiting.shift();
      const bytes = next.waitsFor;
      next.waitsFor = 0;
      this.#grant(next, bytes);
    }
  }
}
