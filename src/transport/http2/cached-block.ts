import type { HpackEncoder } from "./hpack/encoder.ts";

/** A header block that is sent again and again, as long as it is right. */
export class CachedBlock {
  bytes: Buffer = Buffer.allocUnsafe(0);
  length = 0;
  #version = -1;

  /** True where it can be sent as it is. */
  current(encoder: HpackEncoder): boolean {
    return this.#version === encoder.version && !encoder.mustAnnounce;
  }

  /**
   * Keeps the block that has just been encoded, if it can be sent again: not where it added fields to the table, since
   * it would add them again.
   */
  keep(encoder: HpackEncoder): void {
    if (encoder.changed) return;
    this.#version = encoder.version;
    this.length = encoder.length;
    this.bytes = Buffer.from(encoder.bytes.subarray(0, encoder.length));
  }
}
