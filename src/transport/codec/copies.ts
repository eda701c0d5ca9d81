import { markAsUntransferable } from "node:worker_threads";

/** V8 keeps arrays up to this length in its own heap, where they cost little. */
const ownLength = 64;
/** Longer ones come from a shared pool up to this length; beyond it, copying costs more than an allocation. */
const pooledLength = 1024;
const poolBytes = 16 * 1024;

let pool = new Uint8Array(0);
let used = 0;

/**
 * Copies bytes. A copy of 65 to 1,024 bytes shares an ArrayBuffer of 16 KiB with others, as small Buffers of Node do:
 * an ArrayBuffer for each would cost three times as much as the copying.
 */
export function copyBytes(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const length = end - start;
  if (length <= ownLength || length > pooledLength) return bytes.slice(start, end);
  if (used + length > pool.length) {
    pool = new Uint8Array(poolBytes);
    markAsUntransferable(pool.buffer);
    used = 0;
  }
  // Unlike `set`, a Buffer's `copy` needs no view of what it copies.
  Buffer.prototype.copy.call(bytes, pool, used, start, end);
  const copy = pool.subarray(used, used + length);
  // The next one begins at a multiple of eight, so that it can be looked at as numbers.
  used = (used + length + 7) & ~7;
  return copy;
}
