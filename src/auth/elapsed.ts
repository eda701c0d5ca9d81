/**
 * Milliseconds from one time of day to a later one. Of a clock that has been set back since then nobody can say: it is long
 * ago, so that nothing waits for a time to come again.
 */
export function elapsedMs(sinceMs: number, nowMs: number): number {
  return nowMs < sinceMs ? Number.POSITIVE_INFINITY : nowMs - sinceMs;
}
