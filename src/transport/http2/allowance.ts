import { now } from "../../core/deadline.ts";

/**
 * How often a peer may do what costs us more than it costs the peer: `burst` times at once, then `perSecond`. The clock
 * is read only when the allowance is used up.
 */
export class Allowance {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #since: number = now();

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#left = burst;
  }

  /** Gives one back. */
  earn(): void {
    if (this.#left < this.#burst) this.#left++;
  }

  /** Takes one. False where there is none left. */
  spend(): boolean {
    if (this.#left >= 1) {
      this.#left--;
      return true;
    }
    const time = now();
    this.#left = Math.min(this.#burst, this.#left + ((time - this.#since) / 1000) * this.#perSecond);
    this.#since = time;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
