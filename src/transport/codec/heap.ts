// What V8's heap takes, in bytes, of what a message is decoded to; measured on Node 22 to 26.

/** An object of up to six fields, and where it stands in its list or its message. */
export const MESSAGE_BYTES = 80;
/** A short `Uint8Array`, and where it stands. */
export const SHORT_BYTES_BYTES = 232;
/** A number of 64 bits. */
export const BIGINT_BYTES = 24;

/** What a message may take once it is decoded: so much whatever its size, and so many times its bytes besides. */
const freeBytes = 24 * 1024 * 1024;
const mostTimes = 16;

/** The most that a message of `bytes` may take once it is decoded, in bytes. */
export function heapAllowed(bytes: number): number {
  return freeBytes + mostTimes * bytes;
}
