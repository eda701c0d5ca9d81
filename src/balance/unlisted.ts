import type { Clock } from "../core/clock.ts";
import type { Peer } from "../core/transport.ts";

/** A peer that the registry no longer lists. */
export interface Leaving {
  readonly peer: Peer;
  /** When it goes, on the clock, where `doubt.ts` does not speak against it. */
  dropAtMs: number;
}

export interface UnlistedOptions<M extends Leaving> {
  readonly clock: Clock;
  readonly drop: (member: M) => void;
  /** Whether others are listed, and ready to take over. */
  readonly isRelieved: () => boolean;
  /** Called when one went because its time had come. */
  readonly changed: () => void;
}

/** Those that are not listed any more and have not gone yet. */
export interface Unlisted<M extends Leaving> {
  readonly size: number;
  has(member: M): boolean;
  add(member: M, dropAtMs: number): void;
  delete(member: M): void;
  /** Drops those that `doubt.ts` lets go, and returns how many. */
  sweep(): number;
  /** The same, when the state of one peer has changed, listed or not: only what that can change is looked at. */
  peerChanged(member: M): void;
  stop(): void;
}

export function createUnlisted<M extends Leaving>(options: UnlistedOptions<M>): Unlisted<M> {
  const { clock, drop, isRelieved, changed } = options;
  const unlisted = new Set<M>();
  let stopTimer = (): void => {};

  function sweep(): number {
    stopTimer();
    if (unlisted.size === 0) return 0;
    const nowMs = clock.now();
    const relieved = isRelieved();
    let nextMs = Number.POSITIVE_INFINITY;
    let dropped = 0;
    for (const member of unlisted) {
      const { dropAtMs } = member;
      if (isGone(member.peer) || (relieved && dropAtMs <= nowMs)) {
        drop(member);
        dropped++;
      } else if (dropAtMs > nowMs) nextMs = Math.min(nextMs, dropAtMs);
    }
    if (nextMs < Number.POSITIVE_INFINITY) stopTimer = clock.setTimeout(due, Math.ceil(nextMs - nowMs));
    return dropped;
  }

  function due(): void {
    if (sweep() > 0) changed();
  }

  return {
    get size() {
      return unlisted.size;
    },
    has: (member) => unlisted.has(member),
    add(member, dropAtMs) {
      member.dropAtMs = dropAtMs;
      unlisted.add(member);
    },
    delete: (member) => unlisted.delete(member),
    sweep,
    peerChanged(member) {
      if (unlisted.size === 0) return;
      if (!unlisted.has(member)) {
        if (member.peer.ready) sweep();
      } else if (isGone(member.peer)) drop(member);
    },
    stop: () => stopTimer(),
  };
}

function isGone({ state }: Peer): boolean {
  return state === "failed" || state === "closed";
}
