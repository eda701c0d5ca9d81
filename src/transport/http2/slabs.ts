/** The memory that frames are written to, in bytes. A turn's frames fill one of these, or several. */
export const SLAB_BYTES: number = 256 * 1024;
/** Slabs kept for the next turn: 4 MiB for the whole process, however many connections there are. */
const MOST_KEPT = 16;

const kept: Buffer[] = [];

/** A slab to write to. An idle connection holds none. */
export function takeSlab(): Buffer {
  return kept.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES);
}

/** Gives back a slab that nobody reads from any more. */
export function giveSlab(slab: Buffer): void {
  if (slab.length === SLAB_BYTES && kept.length < MOST_KEPT) kept.push(slab);
}
