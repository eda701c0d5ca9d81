import { now } from "./deadline.ts";

/**
 * Says a thing at most once in `everyMs` milliseconds, with the number of times that it was left unsaid before.
 * @returns whether it was said
 */
export function seldom<F extends object>(
  everyMs: number,
  say: (fields: F & { readonly unsaid: number }) => void,
): (fields: F) => boolean {
  let saidMs = Number.NEGATIVE_INFINITY;
  let unsaid = 0;
  return (fields) => {
    const nowMs = now();
    if (nowMs - saidMs < everyMs) {
      unsaid++;
      return false;
    }
    say({ ...fields, unsaid });
    saidMs = nowMs;
    unsaid = 0;
    return true;
  };
}
