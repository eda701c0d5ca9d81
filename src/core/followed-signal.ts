/**
 * Those who follow each signal. To the signal they are one listener: it looks through all that it has for the one that it
 * is to lose, so that ten thousand calls by one signal would cost the most to forget.
 */
const followed = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `aborted` once when the signal aborts, and not where it has; returns how to stop following. */
export function followSignal(signal: AbortSignal, aborted: () => void): () => void {
  const those = followed.get(signal) ?? begin(signal);
  those.add(aborted);
  return () => {
    if (those.delete(aborted) && those.size === 0 && followed.get(signal) === those) end(signal);
  };
}

function begin(signal: AbortSignal): Set<() => void> {
  const those = new Set<() => void>();
  followed.set(signal, those);
  signal.addEventListener("abort", tellAll);
  return those;
}

function end(signal: AbortSignal): void {
  followed.delete(signal);
  signal.removeEventListener("abort", tellAll);
}

function tellAll(this: AbortSignal): void {
  const those = followed.get(this);
  end(this);
  if (those !== undefined) for (const aborted of [...those]) if (those.delete(aborted)) aborted();
}
