/** A random number from 0 to 1. */
export type Random = () => number;

/** Random numbers that come out the same for the same seed (T. Ettinger's mulberry32). */
export function seeded(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A time that is exponentially distributed: the gaps between calls, or what a call takes. */
export function exponential(meanMs: number, random: Random): number {
  return -Math.log(1 - random()) * meanMs;
}
