/** How often something may happen. */
export interface Rate {
  readonly perSecond: number;
  /** How many at once after a pause; as many as in a second by default, and at least 1. */
  readonly burst?: number | undefined;
}

/** Token buckets of one rate, one for each key. */
export interface Buckets {
  readonly rate: Rate;
  /** Milliseconds until the bucket has a token; 0 where it has one. */
  waitMs(key: string, nowMs: number): number;
  /** Takes a token; only where `waitMs` is 0. */
  take(key: string, nowMs: number): void;
  readonly size: number;
}

/**
 * Token buckets, each kept as one number: the time at which it will be full again (the generic cell rate algorithm,
 * ITU-T I.371). A bucket that is full says no more than one that was never there. Where there are more than `maxKeys` the
 * one that was used least lately is forgotten: the one most likely to be full.
 */
export function createBuckets(rate: Rate, maxKeys: number): Buckets {
  const { perSecond, burst = Math.max(1, perSecond) } = rate;
  if (!(perSecond > 0) || !(burst >= 1)) {
    throw new TypeError(`a rate of ${perSecond} a second with bursts of ${burst}: give more than 0, and 1 or more`);
  }
  const tokenMs = 1_000 / perSecond;
  const depthMs = tokenMs * burst;
  // In the order of their last use.
  const fullAtMs = new Map<string, number>();

  const emptyMs = (key: string, nowMs: number): number => Math.max(0, (fullAtMs.get(key) ?? 0) - nowMs);

  function use(key: string, atMs: number): void {
    fullAtMs.delete(key);
    if (fullAtMs.size >= maxKeys) fullAtMs.delete(fullAtMs.keys().next().value as string);
    fullAtMs.set(key, atMs);
  }

  return {
    rate,
    waitMs(key, nowMs) {
      // Rounded to a microsecond, lest a sum of fractions withhold a token that is due.
      const waitMs = Math.round((emptyMs(key, nowMs) + tokenMs - depthMs) * 1_000) / 1_000;
      if (waitMs <= 0) return 0;
      // To be refused is a use too: who asks again and again must not be forgotten for it.
      use(key, fullAtMs.get(key) as number);
      return waitMs;
    },
    take(key, nowMs) {
      use(key, nowMs + emptyMs(key, nowMs) + tokenMs);
    },
    get size() {
      return fullAtMs.size;
    },
  };
}
