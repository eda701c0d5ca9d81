export interface AdaptiveLimitOptions {
  /** Calls that may be under way at first; 100 by default. */
  readonly initialLimit?: number | undefined;
  /** The least it falls to; 4 by default. */
  readonly minLimit?: number | undefined;
  /** The most it grows to; 10,000 by default. */
  readonly maxLimit?: number | undefined;
  /** How many times slower than usual calls may become before the limit falls; 1.5 by default. */
  readonly tolerance?: number | undefined;
}

/** What was seen since the last time. */
export interface Observation {
  /** How many times slower than usual calls were; 1 is as usual. */
  readonly slowdown: number;
  /** The event loop's delay as a multiple of what it may be; above 1 it is too high. */
  readonly loopPressure: number;
  /** The most calls that were under way at once. */
  readonly peak: number;
}

export interface AdaptiveLimit {
  readonly limit: number;
  observe(observation: Observation): void;
}

const leastGradient = 0.5;

/**
 * A limit that follows what the server can do: Netflix's Gradient2.
 * https://github.com/Netflix/concurrency-limits/blob/main/concurrency-limits-core/src/main/java/com/netflix/concurrency/limits/limit/Gradient2Limit.java
 *
 * gradient = clamp(tolerance / slowdown, 0.5, 1), next = limit x gradient + headroom. While calls are as fast as usual
 * it grows by the headroom; when they slow down it falls, until what is lost and the headroom balance. It stands still
 * while less than half of it is used, since then it was not the limit that made calls slow or fast.
 *
 * Where this differs, and why:
 * - The event loop has a gradient of its own, 1 / pressure, and the smaller one counts: in Node what waits for the CPU
 *   waits before a handler starts, where no latency shows it.
 * - The headroom is the limit's square root (as in their first Gradient), not 4; before the first fall it is the limit
 *   itself, as in TCP's slow start. Only a fall by latency is smoothed, and by a half. A limit that is too low refuses calls for
 *   nothing, and one that is too high makes all of them late: either is left within a second.
 */
export function createAdaptiveLimit(options: AdaptiveLimitOptions = {}): AdaptiveLimit {
  const { initialLimit = 100, minLimit = 4, maxLimit = 10_000, tolerance = 1.5 } = options;
  let limit = Math.min(Math.max(initialLimit, minLimit), maxLimit);
  let found = false;
  return {
    get limit() {
      return limit;
    },
    observe({ slowdown, loopPressure, peak }) {
      if (peak < limit / 2) return;
      const byLatency = clamp(tolerance / slowdown);
      const byLoop = clamp(1 / loopPressure);
      if (byLatency < 1 || byLoop < 1) found = true;
      const headroom = found ? Math.max(4, Math.sqrt(limit)) : limit;
      const next = limit * Math.min(byLatency, byLoop) + headroom;
      limit = next > limit || byLoop < byLatency ? next : (limit + next) / 2;
      limit = Math.min(Math.max(limit, minLimit), maxLimit);
    },
  };
}

function clamp(gradient: number): number {
  return Math.min(1, Math.max(leastGradient, gradient));
}
