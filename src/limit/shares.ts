/** What one caller has of a server now. */
export interface Share {
  readonly caller: string;
  /** Calls of it that are under way. */
  inflight: number;
  /** Calls of it that wait. */
  waiting: number;
}

/** The shares of all callers that have any. */
export interface Shares {
  of(caller: string | undefined): Share;
  /** What this caller has under way. */
  inflight(caller: string): number;
  /** To be called once a share has become smaller. */
  shrunk(share: Share): void;
}

/** Callers that nobody names are one. */
export function createShares(): Shares {
  const shares = new Map<string, Share>();
  return {
    of(caller = "") {
      let share = shares.get(caller);
      if (share === undefined) {
        share = { caller, inflight: 0, waiting: 0 };
        shares.set(caller, share);
      }
      return share;
    },
    inflight: (caller) => shares.get(caller)?.inflight ?? 0,
    shrunk(share) {
      if (share.inflight === 0 && share.waiting === 0) shares.delete(share.caller);
    },
  };
}
