import { LONGEST_TIMER_MS } from "../core/clock.ts";
import { NEVER, now } from "../core/deadline.ts";

const nothing = (): void => {};

/**
 * Calls `ring` once the deadline has passed, and never before; returns how to call it off. A timer alone would ring at
 * once for a deadline that is further away than a Node timer reaches, and a fraction of a millisecond early. And where the
 * event loop stood still, before the sockets are read: what was awaited may be in them, so it rings after that.
 */
export function atDeadline(deadline: number, ring: () => void): () => void {
  if (deadline === NEVER) return nothing;
  let timer: NodeJS.Timeout;
  let immediate: NodeJS.Immediate | undefined;
  const wait = (): void => {
    const remainingMs = deadline - now();
    if (remainingMs <= 0) immediate = setImmediate(ring);
    else arm(remainingMs);
  };
  const arm = (remainingMs: number): void => {
    timer = setTimeout(wait, Math.min(Math.ceil(remainingMs), LONGEST_TIMER_MS)).unref();
  };
  arm(Math.max(0, deadline - now()));
  return () => {
    clearTimeout(timer);
    clearImmediate(immediate);
  };
}
