/** What holds memory must move this part of it within the patience of the budget. */
const MOVING_PART = 1 / 8;

/** Tells whether what is held moves, by how much has moved so far. */
export class MemoryPace {
  #marked = 0;
  #markedAt: number = performance.now();

  /** What moved before says nothing of what is held from now on. */
  mark(moved: number, time: number): void {
    this.#marked = moved;
    this.#markedAt = time;
  }

  /** So long, in milliseconds, nothing could move. */
  pause(ms: number): void {
    this.#markedAt += ms;
  }

  /** True where next to nothing of what is held has moved for as long as one may have patience. */
  isStuck(held: number, moved: number, time: number, patienceMs: number): boolean {
    if (held === 0 || moved - this.#marked >= held * MOVING_PART) {
      this.mark(moved, time);
      return false;
    }
    return time - this.#markedAt >= patienceMs;
  }
}
