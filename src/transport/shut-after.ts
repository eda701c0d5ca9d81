import { systemClock } from "../core/clock.ts";

/**
 * Ends a close that waits for its calls when `timeoutMs` have passed, unless it has come to its end before. `Infinity`
 * waits for them however long they take.
 */
export function shutAfter(
  timeoutMs: number,
  closing: PromiseWithResolvers<void>,
  shut: (closing: PromiseWithResolvers<void>) => void,
): void {
  const stop = systemClock.setTimeout(() => shut(closing), timeoutMs, true);
  void closing.promise.then(stop);
}
