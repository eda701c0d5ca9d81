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

  /** Takes one, or as many as it costs, though no more than there can be. False where there are not so many left. */
  spend(cost = 1): boolean {
    const count = Math.min(cost, this.#burst);
    if (this.#left >= count) {
      this.#left -= count;
      return true;
    }
    const time = now();
    this.#left = Math.min(this.#burst, this.#left + ((time - this.#since) / 1000) * this.#perSecond);
    this.#since = time;
    if (this.#left < count) return false;
    this.#left -= count;
    return true;
  }
}
