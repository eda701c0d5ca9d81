const SLOTS = 64;
/** Longer blocks are rare, and seldom the same. */
const LONGEST_BYTES = 128;

interface Entry<T> {
  readonly bytes: Buffer;
  readonly version: number;
  readonly value: T;
}

/**
 * What header blocks were found to mean, by their bytes. While HPACK's table stands still the same bytes mean the same,
 * and callers send the same block with each call of a method. Holds 64 blocks of at most 128 bytes.
 */
export class HeaderCache<T> {
  readonly #entries: (Entry<T> | undefined)[] = new Array(SLOTS).fill(undefined);
  #slot = 0;
  #version = -1;

  /** @param version of the decoder's table */
  find(block: Buffer, start: number, end: number, version: number): T | undefined {
    const length = end - start;
    if (length > LONGEST_BYTES) return undefined;
    let hash = length;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (block[i] as number)) | 0;
    this.#slot = (hash ^ (hash >>> 16)) & (SLOTS - 1);
    const entry = this.#entries[this.#slot];
    if (entry === undefined || entry.version !== version || entry.bytes.length !== length) return undefined;
    const { bytes } = entry;
    for (let i = 0; i < length; i++) if (bytes[i] !== block[start + i]) return undefined;
    return entry.value;
  }

  /** Keeps what `find` has just not found. */
  store(block: Buffer, start: number, end: number, version: number, value: T): void {
    if (end - start > LONGEST_BYTES) return;
    const bytes = Buffer.allocUnsafeSlow(end - start);
    block.copy(bytes, 0, start, end);
    // What other tables gave is never found again, and may be long.
    if (version !== this.#version) this.#entries.fill(undefined);
    this.#version = version;
    this.#entries[this.#slot] = { bytes, version, value };
  }
}
