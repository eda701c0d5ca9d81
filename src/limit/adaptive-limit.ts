export interface AdaptiveLimitOptions {
  /** Calls that may be under way at first; 20 by default. */
  readonly initialLimit?: number | undefined;
  /** The least it falls to; 2 by default. */
  readonly minLimit?: number | undefined;
  /** The most it grows to; 10,000 by default. */
  readonly maxLimit?: number | undefined;
  /** How many times slower than usual calls may become before the limit falls; 1.5 by default. */
  readonly tolerance?: number | undefined;
}

/** What was seen in a window of time in which the limit stood still. */
export interface Observation {
  /** How many times slower than usual calls were; 1 is as usual. */
  readonly slowdown: number;
  /** How many times slower than in the window before. */
  readonly change: number;
  /** The event loop's delay as a multiple of what it may be; above 1 it is too high. */
  readonly loopPressure: number;
  /** The most calls that were under way at once. */
  readonly peak: number;
  /** A call found no room. */
  readonly full: boolean;
}

/**
 * What a window teaches of the latency that is usual.
 * - `room`: nobody had to wait, so what calls took is what they take.
 * - `loaded`: calls may have been slow for there were too many of them. Only a lower latency is news.
 * - `bare`: with fewer calls under way they took this, and not for their number: it is what they take now.
 */
export type Lesson = "room" | "loaded" | "bare";

export interface AdaptiveLimit {
  /** A whole number. */
  readonly limit: number;
  /** True until it has fallen once. */
  readonly searching: boolean;
  observe(observation: Observation): Lesson;
}

/** The least that one window multiplies the limit by. */
const leastGradient = 0.3;
/** BBR's gain while it searches: the least with which what is sent doubles in each round trip. */
const searchingGain = 2 / Math.LN2;
/** Where the limit was not reached and calls are slow, one window takes this much of it away. */
const unusedDecay = 0.1;
/** A fall to this part of the limit, or less, shows whether calls are slow for their number. */
const tellingFall = 0.6;
/** Full windows until the limit is halved to see what calls take then: twice as many each time that tells nothing new. */
const leastToProbe = 3;
const mostToProbe = 40;

/** What a probe shows is news where it is so many times slower than usual, or faster; else it may be chance. */
const newsBelow = 0.8;
const newsAbove = 1.25;

/** A fall under way: the limit that it began at, and how many times slower calls have become since. */
interface Fall {
  readonly from: number;
  readonly change: number;
  /** It was made to look. */
  readonly probe: boolean;
}

/**
 * A limit that follows what the server can do. By Little's law a server that does `X` calls a second, each of which takes
 * `T` where nothing waits, works on X x T calls; more only wait inside it. BBR holds a connection near that point, from
 * the highest rate and the lowest round trip that it saw (https://queue.acm.org/detail.cfm?id=3022184). Here it is
 *
 *     next = tolerance x X x T = limit x tolerance / slowdown
 *
 * since on a full server limit = X x latency, and latency = slowdown x T. It is the gradient of Netflix's Gradient2 too,
 * but without its bound of 1 and its headroom: a server that can do more is found as soon as one that can do less.
 * https://github.com/Netflix/concurrency-limits/blob/main/concurrency-limits-core/src/main/java/com/netflix/concurrency/limits/limit/Gradient2Limit.java
 *
 * - While it is not reached it stands still. Where calls are slow even so it comes down slowly, and never under twice
 *   what is used.
 * - Until it first falls it grows by BBR's gain, 2 / ln 2, in each full window. The very first only teaches.
 * - The event loop has a gradient of its own, 1 / pressure, and the smaller one counts: in Node what waits for the CPU
 *   waits before a handler starts, where no latency shows it.
 * - Gradient2 learns T as an average, so that an overload that lasts becomes usual and the limit drifts upwards. Here a
 *   full server teaches T only where the limit has fallen far. If calls are no faster for it, they are not slow for
 *   their number: the fall is taken back, and what they take is T from now on. If they are faster than T, T was too
 *   high. A limit that stays full is halved for a window now and then to see that, as BBR drains a connection.
 */
export function createAdaptiveLimit(options: AdaptiveLimitOptions = {}): AdaptiveLimit {
  const { initialLimit = 20, maxLimit = 10_000, minLimit = Math.min(2, maxLimit), tolerance = 1.5 } = options;
  if (minLimit > maxLimit) throw new TypeError(`minLimit ${minLimit} is above maxLimit ${maxLimit}: give it no more`);
  let limit = bounded(initialLimit);
  let begun = false;
  let searching = true;
  let fullWindows = 0;
  let untilProbe = leastToProbe;
  let fall: Fall | undefined;

  function bounded(next: number): number {
    return Math.min(Math.max(next, minLimit), maxLimit);
  }

  function move(next: number, probe: boolean): void {
    if (next >= limit) fall = undefined;
    else fall ??= { from: limit, change: 1, probe };
    limit = next;
  }

  /** The limit was not reached. */
  function unused({ slowdown, loopPressure, peak }: Observation): Lesson {
    fullWindows = 0;
    fall = undefined;
    if (slowdown > tolerance || loopPressure > 1) {
      const least = loopPressure > 1 ? peak : 2 * peak;
      limit = bounded(Math.min(limit, Math.max(least, limit * (1 - unusedDecay))));
    }
    return "room";
  }

  function follow({ slowdown, loopPressure }: Observation): void {
    if (slowdown > tolerance || loopPressure > 1) searching = false;
    const gain = searching ? searchingGain : tolerance;
    // Calls that are faster than usual teach another usual, and no more.
    const byLatency = gain / Math.max(1, slowdown);
    const byLoop = 1 / loopPressure;
    move(bounded(limit * Math.max(leastGradient, Math.min(byLatency, byLoop))), false);
    // No latency need show why it fell.
    if (byLoop < byLatency) fall = undefined;
  }

  function probe(): void {
    fullWindows = 0;
    fall = undefined;
    move(bounded(limit / 2), true);
  }

  /** Calls after a fall: are they faster for it by more than half of what they would be if they had been slow for it? */
  function judge({ from, change, probe: looking }: Fall, seen: Observation): Lesson {
    fall = undefined;
    const inVain = change > (1 + limit / from) / 2;
    const news = seen.slowdown < newsBelow || (inVain && seen.slowdown > newsAbove);
    if (looking) untilProbe = news ? leastToProbe : Math.min(2 * untilProbe, mostToProbe);
    if (looking && news && !inVain) probe();
    else if (looking || inVain) limit = from;
    else follow(seen);
    return inVain || seen.slowdown < 1 ? "bare" : "loaded";
  }

  return {
    get limit() {
      return Math.floor(limit);
    },
    get searching() {
      return searching;
    },
    observe(seen) {
      const first = !begun;
      begun = true;
      if (first || !(seen.full || fall?.probe)) return unused(seen);
      if (fall !== undefined) fall = { ...fall, change: fall.change * seen.change };
      if (fall !== undefined && (fall.probe || limit <= fall.from * tellingFall)) return judge(fall, seen);
      const lesson = limit > minLimit ? "loaded" : "bare";
      if (++fullWindows >= untilProbe && !searching) probe();
      else follow(seen);
      return lesson;
    },
  };
}
