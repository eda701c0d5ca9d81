/** Those who follow one signal, and the one listener that the signal has of them. */
interface Followers {
  readonly those: Set<() => void>;
  readonly tell: () => void;
}

/**
 * By signal. To it all who follow are one listener: it looks through all that it has for the one that it is to lose, so
 * that ten thousand calls by one signal would cost the most to forget.
 */
const followed = new WeakMap<AbortSignal, Followers>();

/** Calls `aborted` once when the signal aborts, and not where it has; returns how to stop following. */
export function followSignal(signal: AbortSignal, aborted: () => void): () => void {
  const followers = followed.get(signal) ?? begin(signal);
  const { those } = followers;
  those.add(aborted);
  return () => {
    if (those.delete(aborted) && those.size === 0 && followed.get(signal) === followers) end(signal, followers);
  };
}

function begin(signal: AbortSignal): Followers {
  const those = new Set<() => void>();
  const followers: Followers = {
    those,
    tell() {
      end(signal, followers);
      for (const aborted of [...those]) if (those.delete(aborted)) aborted();
    },
  };
  followed.set(signal, followers);
  signal.addEventListener("abort", followers.tell);
  return followers;
}

function end(signal: AbortSignal, { tell }: Followers): void {
  followed.delete(signal);
  signal.removeEventListener("abort", tell);
}
