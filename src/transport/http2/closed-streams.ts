const FIRST_SLOTS = 256;
const MOST_SLOTS = 8192;
/** What is under way when we reset a stream: two header blocks, an end, and a reset. */
const PARDONS_OF_RESET = 4;
/** What is under way when both sides have ended: the reset of a peer that gave up meanwhile. */
const PARDONS_OF_END = 1;
/** Stands beside the pardons of a stream that we reset. */
const WE_RESET = 0x80;
/** No answer to what we sent is under way for longer, in milliseconds. */
const UNDER_WAY_MS = 5000;

/**
 * What the last streams of a connection came to, for frames that were under way when they closed: those are no fault of
 * the peer's. Remembers 256 streams, and more where we reset many in a short time, as when all calls are cancelled at
 * once.
 */
export class ClosedStreams {
  #ids: Uint32Array = new Uint32Array(FIRST_SLOTS);
  /** Frames that are still free, and who closed it. */
  #states: Uint8Array = new Uint8Array(FIRST_SLOTS);
  #windows: Uint32Array = new Uint32Array(FIRST_SLOTS);
  /** In milliseconds, of which 32 bits are kept. */
  #closedAt: Uint32Array = new Uint32Array(FIRST_SLOTS);
  /** When one was closed last. */
  #lastAt = 0;

  /**
   * We reset it. The first word on a stream stands.
   * @param window what the peer was allowed to send on it, in bytes, and may be sending
   * @param time when that was, by a clock that goes on whenever something is heard
   */
  addReset(id: number, window: number, time: number): void {
    this.#add(id, WE_RESET | PARDONS_OF_RESET, window, time);
  }

  /** Both sides have ended it. */
  addEnded(id: number, time: number): void {
    this.#add(id, PARDONS_OF_END, 0, time);
  }

  /** The peer has reset it. */
  addTheirReset(id: number, time: number): void {
    this.#add(id, 0, 0, time);
  }

  /** Takes data that comes for a stream that we reset. False where it is more than the peer can have been sending. */
  absorb(id: number, bytes: number): boolean {
    const slot = this.#slot(id);
    const left = (this.#windows[slot] as number) - bytes;
    if (this.#ids[slot] !== id || left < 0) return false;
    this.#windows[slot] = left;
    return true;
  }

  /** Takes a frame that is not data. False where it cannot have been under way. */
  pardon(id: number): boolean {
    const slot = this.#slot(id);
    const state = this.#states[slot] as number;
    if (this.#ids[slot] !== id || (state & ~WE_RESET) === 0) return false;
    this.#states[slot] = state - 1;
    return true;
  }

  /** True where we reset it: the peer may not have known yet. */
  weReset(id: number): boolean {
    const slot = this.#slot(id);
    return this.#ids[slot] === id && (this.#states[slot] as number) >= WE_RESET;
  }

  /** True for a stream that was open not long ago. */
  has(id: number): boolean {
    return this.#ids[this.#slot(id)] === id;
  }

  #slot(id: number): number {
    return (id >>> 1) & (this.#ids.length - 1);
  }

  #add(id: number, state: number, window: number, time: number): void {
    let slot = this.#slot(id);
    if (this.#ids[slot] === id) return;
    while ((this.#states[slot] as number) > WE_RESET && this.#mayGrow(slot, time)) {
      this.#grow();
      slot = this.#slot(id);
    }
    this.#ids[slot] = id;
    this.#states[slot] = state;
    this.#windows[slot] = window;
    this.#closedAt[slot] = time;
    this.#lastAt = time;
  }

  /** Lets go of what was needed for many, once nothing can be under way for them any more. */
  shrink(time: number): void {
    if (this.#ids.length === FIRST_SLOTS || time - this.#lastAt < UNDER_WAY_MS) return;
    this.#ids = new Uint32Array(FIRST_SLOTS);
    this.#states = new Uint8Array(FIRST_SLOTS);
    this.#windows = new Uint32Array(FIRST_SLOTS);
    this.#closedAt = new Uint32Array(FIRST_SLOTS);
  }

  /** What it takes of memory, in bytes. */
  get bytes(): number {
    return this.#ids.byteLength + this.#states.byteLength + this.#windows.byteLength + this.#closedAt.byteLength;
  }

  /** True where a stream would be forgotten for which something may be under way. */
  #mayGrow(slot: number, time: number): boolean {
    return this.#ids.length < MOST_SLOTS && (time - (this.#closedAt[slot] as number)) >>> 0 < UNDER_WAY_MS;
  }

  #grow(): void {
    const [ids, states, windows, closedAt] = [this.#ids, this.#states, this.#windows, this.#closedAt];
    const slots = ids.length * 2;
    this.#ids = new Uint32Array(slots);
    this.#states = new Uint8Array(slots);
    this.#windows = new Uint32Array(slots);
    this.#closedAt = new Uint32Array(slots);
    for (let from = 0; from < ids.length; from++) {
      // An empty slot is of no stream, and would take the place of another's.
      if (ids[from] === 0) continue;
      const to = this.#slot(ids[from] as number);
      this.#ids[to] = ids[from] as number;
      this.#states[to] = states[from] as number;
      this.#windows[to] = windows[from] as number;
      this.#closedAt[to] = closedAt[from] as number;
    }
  }
}
