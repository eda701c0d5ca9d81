const FIRST_SLOTS = 64;
const MOST_SLOTS = 4096;

/**
 * A connection's streams by id. Streams get their ids in order and most of them end soon, so an array in which each
 * has its slot is far cheaper than a Map. Where the slot is taken by a stream that lives long, the array grows, and
 * at its largest size a Map takes what does not fit.
 */
export class StreamRing<S extends { readonly id: number }> {
  size = 0;
  #slots: (S | undefined)[] = new Array(FIRST_SLOTS).fill(undefined);
  readonly #misfits: Map<number, S> = new Map();

  get(id: number): S | undefined {
    const stream = this.#slots[(id >>> 1) & (this.#slots.length - 1)];
    if (stream !== undefined && stream.id === id) return stream;
    return this.#misfits.size === 0 ? undefined : this.#misfits.get(id);
  }

  add(stream: S): void {
    this.size++;
    const slot = (stream.id >>> 1) & (this.#slots.length - 1);
    if (this.#slots[slot] === undefined) this.#slots[slot] = stream;
    else if (this.#slots.length < MOST_SLOTS) this.#grow(stream);
    else this.#misfits.set(stream.id, stream);
  }

  remove(stream: S): void {
    const slot = (stream.id >>> 1) & (this.#slots.length - 1);
    if (this.#slots[slot] === stream) this.#slots[slot] = undefined;
    else if (!this.#misfits.delete(stream.id)) return;
    this.size--;
  }

  /** Lets go of what was needed for many streams, where there are none. */
  shrink(): void {
    if (this.size === 0 && this.#slots.length > FIRST_SLOTS) this.#slots = new Array(FIRST_SLOTS).fill(undefined);
  }

  /** A copy: what is done with a stream may remove it. */
  all(): S[] {
    return [...this.#slots.filter((stream) => stream !== undefined), ...this.#misfits.values()];
  }

  #grow(added: S): void {
    const streams = [...this.all(), added];
    this.#slots = new Array(this.#slots.length * 2).fill(undefined);
    this.#misfits.clear();
    this.size = 0;
    for (const stream of streams) this.add(stream);
  }
}
