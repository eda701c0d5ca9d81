/**
 * What to believe when a registry no longer lists a server. A registry can be wrong in ways that a connection cannot:
 * its data was lost, its leases ran out together during a partition, a reader saw half of a list. A client that
 * believes it turns the registry's outage into everybody's. So:
 *
 * 1. Only a `current` snapshot removes anyone. One that is `stale` or `unknown` may add.
 * 2. A server that is no longer listed goes at once, as in an orderly departure, if the loss is small and a listed peer
 *    is ready to take over.
 * 3. If more than half of the servers went within ten seconds, they are doubtful: asked for a sign of life, called on,
 *    and dropped when their connection fails, or when the registry still says the same `doubtMs` later. Half is not
 *    more than half: one of two servers goes at once.
 * 4. As long as no listed peer is ready, unlisted ones are called on while their connection holds: an empty list, or a
 *    list of strangers, never takes away the last server that works. One that is really gone says so itself, by ending
 *    its connection.
 */
export interface Doubt {
  /** Tells whether a list that had `before` servers and now has `after` has lost too many of them to be believed. */
  suspects(before: number, after: number, nowMs: number): boolean;
}

/** A loss is measured over this time, in milliseconds, since a watch reports leases that end together one by one. */
const windowMs = 10_000;

export function createDoubt(): Doubt {
  let most = 0;
  let sinceMs = Number.NEGATIVE_INFINITY;
  return {
    suspects(before, after, nowMs) {
      if (before > most || nowMs - sinceMs >= windowMs) {
        most = before;
        sinceMs = nowMs;
      }
      return after * 2 < most;
    },
  };
}
