import type { Clock } from "./clock.ts";

/** Items gone through in a millisecond: what keeps such work to a few hundredths of a core, whatever comes in. */
const itemsPerMs = 50;
/** No change waits longer, in milliseconds. */
const longestRestMs = 200;

/** Milliseconds to rest after work that went through so many items; 0 where they are so few that it is not worth it. */
export function restMs(items: number): number {
  return items < itemsPerMs ? 0 : Math.min(items / itemsPerMs, longestRestMs);
}

/** Items that are copied, or told apart, without a look into them in the time that one is gone through. */
const glancesInOne = 20;

/** What so many items come to of which only copies of pointers are made, or which are compared by identity. */
export function glanced(items: number): number {
  return items / glancesInOne;
}

/** Work that goes through a whole list, asked for at each of many changes. */
export interface Pace {
  /** Does the work: at once after a rest, else when the rest is over, once for all that asked meanwhile. */
  ask(): void;
  /** Drops what is still to be done, and does nothing more. */
  stop(): void;
}

/** `work` returns how many items it went through: the longer the list, the longer the rest. It must not throw. */
export function createPace(work: () => number, clock: Clock): Pace {
  let restUntilMs = Number.NEGATIVE_INFINITY;
  let stopTimer: (() => void) | undefined;
  let stopped = false;

  function run(): void {
    stopTimer = undefined;
    const rest = restMs(work());
    if (rest > 0) restUntilMs = clock.now() + rest;
  }

  return {
    ask() {
      if (stopped || stopTimer !== undefined) return;
      // The clock is not read for short lists.
      const leftMs = restUntilMs === Number.NEGATIVE_INFINITY ? 0 : restUntilMs - clock.now();
      if (leftMs > 0) stopTimer = clock.setTimeout(run, Math.ceil(leftMs));
      else run();
    },
    stop() {
      stopped = true;
      stopTimer?.();
      stopTimer = undefined;
    },
  };
}
