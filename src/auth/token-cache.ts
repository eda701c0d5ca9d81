import { elapsedMs } from "./elapsed.ts";

/** What tokens say, by their hashes. */
export interface TokenCache<T> {
  /** What is remembered, or what `verify` finds; several that ask for one token at once share its work. */
  get(key: string, verify: () => Promise<{ readonly value: T; readonly untilMs: number }>): T | Promise<T>;
}

/** Nothing is remembered for longer, in milliseconds. */
const LONGEST_MS = 300_000;

/**
 * Remembers what was found until the time that it gives, and no failure. Where there are `most`, the one that was found
 * first is forgotten.
 * @param now the time that `untilMs` is on, in milliseconds
 */
export function createTokenCache<T>(most: number, now: () => number): TokenCache<T> {
  const found = new Map<string, { readonly value: T; readonly sinceMs: number; readonly untilMs: number }>();
  const looking = new Map<string, Promise<T>>();

  function remember(key: string, value: T, untilMs: number): void {
    if (most === 0) return;
    if (found.size >= most) found.delete(found.keys().next().value as string);
    found.set(key, { value, sinceMs: now(), untilMs });
  }

  return {
    get(key, verify) {
      const known = found.get(key);
      if (known !== undefined) {
        const timeMs = now();
        if (timeMs < known.untilMs && elapsedMs(known.sinceMs, timeMs) < LONGEST_MS) return known.value;
        found.delete(key);
      }
      const under = looking.get(key);
      if (under !== undefined) return under;
      const work = verify()
        .then(({ value, untilMs }) => {
          remember(key, value, untilMs);
          return value;
        })
        .finally(() => looking.delete(key));
      looking.set(key, work);
      return work;
    },
  };
}
