/** The memory that frames are written to, in bytes: small for a connection with few of them in a turn. */
export const SMALL_SLAB_BYTES: number = 8 * 1024;
export const SLAB_BYTES: number = 256 * 1024;
/** Slabs kept for the next turn: 8 MiB of the small and 4 MiB of the others for the whole process. */
const MOST_SMALL = 1024;
const MOST_KEPT = 16;
/** And memory kept for the next message that is larger than a slab: 8 MiB for the whole process. */
const MOST_LARGE_BYTES = 8 * 1024 * 1024;

const small: Buffer[] = [];
const kept: Buffer[] = [];
const large: Buffer[] = [];
let largeBytes = 0;
/** What was made here, and may therefore be used again. */
const ours = new WeakSet<ArrayBufferLike>();

/** A slab to write to. An idle connection holds none. */
export function takeSlab(isSmall: boolean): Buffer {
  return isSmall ? (small.pop() ?? make(SMALL_SLAB_BYTES)) : (kept.pop() ?? make(SLAB_BYTES));
}

/** Memory for at least `bytes`. A large message's is used again: to make it anew costs more than to fill it. */
export function takeRoom(bytes: number): Buffer {
  if (bytes <= SLAB_BYTES || bytes > MOST_LARGE_BYTES) return Buffer.allocUnsafeSlow(bytes);
  const found = large.findIndex(({ length }) => length >= bytes && length <= 2 * bytes);
  if (found < 0) return make(Math.ceil(bytes / SLAB_BYTES) * SLAB_BYTES);
  const [room] = large.splice(found, 1) as [Buffer];
  largeBytes -= room.length;
  return room;
}

/** Gives back memory that nobody reads from any more; a part of it stands for the whole. What is not from here is let go. */
export function giveBack(part: Buffer): void {
  const { buffer } = part;
  if (!ours.has(buffer)) return;
  const whole = part.length === buffer.byteLength ? part : Buffer.from(buffer);
  if (whole.length === SMALL_SLAB_BYTES) {
    if (small.length < MOST_SMALL) small.push(whole);
  } else if (whole.length === SLAB_BYTES) {
    if (kept.length < MOST_KEPT) kept.push(whole);
  } else if (largeBytes + whole.length <= MOST_LARGE_BYTES) {
    large.push(whole);
    largeBytes += whole.length;
  }
}

function make(bytes: number): Buffer {
  const made = Buffer.allocUnsafeSlow(bytes);
  ours.add(made.buffer);
  return made;
}
