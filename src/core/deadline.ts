/** No deadline. */
export const NEVER: number = Number.POSITIVE_INFINITY;

/** The clock of deadlines: milliseconds that never jump, whatever is done to the wall clock. */
export function now(): number {
  return performance.now();
}

/** The deadline that is `timeoutMs` from now; 0 and `undefined` are none. */
export function deadlineAfter(timeoutMs: number | undefined): number {
  return timeoutMs === undefined || timeoutMs === 0 ? NEVER : now() + timeoutMs;
}
