const SLOTS = 256;

/** What the last 256 streams of a connection came to: frames may still come for those that we reset. */
export class ClosedStreams {
  readonly #ids: Uint32Array = new Uint32Array(SLOTS);
  readonly #reset: Uint8Array = new Uint8Array(SLOTS);
  readonly #windows: Float64Array = new Float64Array(SLOTS);

  /**
   * The first word on a stream stands.
   * @param window what the peer was allowed to send on it, in bytes, and may be sending
   */
  add(id: number, weReset: boolean, window: number): void {
    const slot = (id >>> 1) & (SLOTS - 1);
    if (this.#ids[slot] === id) return;
    this.#ids[slot] = id;
    this.#reset[slot] = weReset ? 1 : 0;
    this.#windows[slot] = window;
  }

  /** Takes what comes for a stream that we reset. False where it is more than the peer can have been sending. */
  absorb(id: number, bytes: number): boolean {
    const slot = (id >>> 1) & (SLOTS - 1);
    const left = (this.#windows[slot] as number) - bytes;
    this.#windows[slot] = left;
    return left >= 0;
  }

  /** True where we reset it: the peer may not have known yet. */
  weReset(id: number): boolean {
    const slot = (id >>> 1) & (SLOTS - 1);
    return this.#ids[slot] === id && this.#reset[slot] === 1;
  }

  /** True for a stream that was open not long ago. */
  has(id: number): boolean {
    return this.#ids[(id >>> 1) & (SLOTS - 1)] === id;
  }
}
