import type { Share, Shares } from "./shares.ts";

/** What waits in a queue, for one caller. */
export interface Queued {
  readonly share: Share;
}

/**
 * A queue in which each caller has its share, so that a flood of one caller's keeps no other waiting. What comes out next
 * is of whoever has the least under way; of several such, of one caller or of many, the oldest or the newest.
 */
export interface FairQueue<T extends Queued> {
  readonly length: number;
  push(item: T): void;
  /** Its share is kept, for it is about to have one more under way. Who does not start it says `shares.shrunk`. */
  take(newestFirst: boolean): T | undefined;
  /**
   * Takes out what would be the last of the caller that has most in it, where that has more than this caller would have
   * with one more.
   */
  takeOfGreediest(share: Share, newestFirst: boolean): T | undefined;
  /** Takes out all for which `gone` is true. */
  sweep(gone: (item: T) => boolean): void;
}

export function createFairQueue<T extends Queued>(shares: Shares): FairQueue<T> {
  let items: T[] = [];
  /** That have anything in it. */
  let callers = 0;

  const at = (index: number): T => items[index] as T;

  function left({ share }: T): void {
    share.waiting--;
    if (share.waiting === 0) callers--;
  }

  function remove(index: number): T {
    const [item] = items.splice(index, 1) as [T];
    left(item);
    return item;
  }

  /** Of those that are first by `before`, the first from one end. */
  function firstBy(fromEnd: boolean, before: (one: Share, other: Share) => boolean): number {
    const last = items.length - 1;
    let best = fromEnd ? last : 0;
    if (callers === 1) return best;
    for (let i = 1; i <= last; i++) {
      const index = fromEnd ? last - i : i;
      if (before(at(index).share, at(best).share)) best = index;
    }
    return best;
  }

  return {
    get length() {
      return items.length;
    },
    push(item) {
      items.push(item);
      if (item.share.waiting === 0) callers++;
      item.share.waiting++;
    },
    take(newestFirst) {
      if (items.length === 0) return undefined;
      return remove(firstBy(newestFirst, (one, other) => one.inflight < other.inflight));
    },
    takeOfGreediest(share, newestFirst) {
      // Nobody can have more than the others together leave.
      if (2 * (share.waiting + 1) >= items.length) return undefined;
      const index = firstBy(!newestFirst, (one, other) => one.waiting > other.waiting);
      // More than one of it waits, so that its share stays.
      return at(index).share.waiting > share.waiting + 1 ? remove(index) : undefined;
    },
    sweep(gone) {
      items = items.filter((item) => {
        if (!gone(item)) return true;
        left(item);
        shares.shrunk(item.share);
        return false;
      });
    },
  };
}
