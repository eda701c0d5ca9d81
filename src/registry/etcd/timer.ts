import { LONGEST_TIMER_MS } from "../../core/clock.ts";

/**
 * A timer for a wait of any length in milliseconds: none for `Infinity`, and for one that is longer than Node can wait
 * (24 days) one that rings as late as it can. Node itself rings at once for both. It keeps no process alive.
 */
export function timer(delayMs: number, ring: () => void): NodeJS.Timeout | undefined {
  return delayMs === Number.POSITIVE_INFINITY
    ? undefined
    : setTimeout(ring, Math.min(delayMs, LONGEST_TIMER_MS)).unref();
}
