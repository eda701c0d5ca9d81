import type { Share, Shares } from "./shares.ts";

/** More callers than this are not kept in mind. */
const mostCallers = 100;

/**
 * Those whom a full server has turned away. Where no call may wait they are expected to come back, and as many places as
 * they wanted, within their share, are kept from callers that have theirs: else a place would be of whoever asks most
 * often. Who does not come back, or needs less, is forgotten.
 */
export interface TurnedAway {
  add(share: Share, nowMs: number): void;
  /** It has one more under way. */
  admitted(share: Share, nowMs: number): void;
  /** True where this caller has its share of `limit`, and the places that are left are for others. */
  mustLeave(share: Share, limit: number, inflight: number, nowMs: number): boolean;
}

export interface TurnedAwayOptions {
  readonly shares: Shares;
  /** Milliseconds for which somebody is expected back. */
  readonly keepMs: number;
}

interface Wish {
  places: number;
  sinceMs: number;
}

export function createTurnedAway({ shares, keepMs }: TurnedAwayOptions): TurnedAway {
  // The latest stand last.
  const wishes = new Map<string, Wish>();

  function renew(caller: string, wish: Wish, nowMs: number): void {
    wishes.delete(caller);
    wishes.set(caller, wish);
    wish.sinceMs = nowMs;
  }

  function forget(nowMs: number): void {
    for (const [caller, { sinceMs }] of wishes) {
      if (nowMs - sinceMs <= keepMs && wishes.size <= mostCallers) return;
      wishes.delete(caller);
    }
  }

  return {
    add({ caller }, nowMs) {
      const wish = wishes.get(caller) ?? { places: 0, sinceMs: nowMs };
      wish.places++;
      renew(caller, wish, nowMs);
      forget(nowMs);
    },
    admitted({ caller, inflight }, nowMs) {
      const wish = wishes.get(caller);
      if (wish !== undefined && inflight >= wish.places) renew(caller, wish, nowMs);
    },
    mustLeave({ caller, inflight: has }, limit, inflight, nowMs) {
      forget(nowMs);
      const others = wishes.size - (wishes.has(caller) ? 1 : 0);
      const fair = limit / (others + 1);
      if (others === 0 || has < fair) return false;
      let kept = 0;
      for (const [other, { places }] of wishes) {
        if (other !== caller) kept += Math.max(0, Math.min(places, fair) - shares.inflight(other));
      }
      return limit - inflight <= kept;
    },
  };
}
