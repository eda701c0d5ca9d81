import { checkNames } from "../core/option-names.ts";

/** How often something may happen. */
export interface Rate {
  /** `Infinity` is no limit. */
  readonly perSecond: number;
  /** How many at once after a pause; as many as in a second by default, and at least 1. */
  readonly burst?: number | undefined;
}

/** Token buckets of one rate, one for each key. */
export interface Buckets {
  readonly rate: Rate;
  /** Milliseconds until the bucket has a token; 0 where it has one. */
  waitMs(key: string, nowMs: number): number;
  /** Takes a token, or more: a bucket that has one may fall short. Only where `waitMs` is 0. */
  take(key: string, nowMs: number, tokens?: number): void;
  readonly size: number;
}

/** Buckets that are looked at to find one that can be forgotten: so many for each new key while there is no room. */
const looks = 8;

/**
 * Token buckets, each kept as one number: the time at which it will be full again (the generic cell rate algorithm,
 * ITU-T I.371). A bucket that is full says no more than one that was never there, and only such a bucket is forgotten to
 * make room: a flood of other keys forgives nobody. Where there are `maxKeys`, and none that is full is found, keys that
 * are not known share one bucket.
 */
export function createBuckets(rate: Rate, maxKeys: number): Buckets {
  checkNames(rate, { perSecond: true, burst: true }, "a rate");
  const { perSecond, burst = Math.max(1, perSecond) } = rate;
  if (!(perSecond > 0) || !(burst >= 1)) {
    throw new TypeError(`a rate of ${perSecond} a second with bursts of ${burst}: give more than 0, and 1 or more`);
  }
  const tokenMs = 1_000 / perSecond;
  const depthMs = perSecond === Number.POSITIVE_INFINITY ? 0 : tokenMs * burst;
  const fullAtMs = new Map<string, number>();
  let sharedFullAtMs = 0;
  /** Goes round and round the buckets. */
  let hand = fullAtMs.entries();

  function hasRoom(nowMs: number): boolean {
    for (let look = 0; fullAtMs.size >= maxKeys && look < looks; look++) {
      const { done, value } = hand.next();
      if (done) hand = fullAtMs.entries();
      else if (value[1] <= nowMs) fullAtMs.delete(value[0]);
    }
    return fullAtMs.size < maxKeys;
  }

  function fullAt(key: string, nowMs: number): number {
    return fullAtMs.get(key) ?? (hasRoom(nowMs) ? 0 : sharedFullAtMs);
  }

  return {
    rate,
    waitMs(key, nowMs) {
      if (tokenMs === 0) return 0;
      const emptyMs = Math.max(0, fullAt(key, nowMs) - nowMs);
      // Rounded to a microsecond, lest a sum of fractions withhold a token that is due.
      return Math.max(0, Math.round((emptyMs + tokenMs - depthMs) * 1_000) / 1_000);
    },
    take(key, nowMs, tokens = 1) {
      if (tokenMs === 0) return;
      const fullMs = Math.max(fullAt(key, nowMs), nowMs) + tokens * tokenMs;
      if (fullAtMs.has(key) || fullAtMs.size < maxKeys) fullAtMs.set(key, fullMs);
      else sharedFullAtMs = fullMs;
    },
    get size() {
      return fullAtMs.size;
    },
  };
}
