import { type Differences, differences } from "../core/differences.ts";
import type { Endpoint } from "../core/endpoint.ts";
import { glanced } from "../core/pace.ts";
import { hash } from "./hash.ts";

/** The endpoints of the lowest rank among all of a list that changes. */
export interface Ranking {
  /** In the order of their ranks, and how many were gone through to find them; where there are no more, as they come. */
  of(endpoints: readonly Endpoint[]): { readonly lowest: readonly Endpoint[]; readonly items: number };
}

interface Ranked {
  readonly endpoint: Endpoint;
  readonly rank: number;
}

/**
 * Ranks are by a hash of the address. Some more than `size` are kept in order, so that one that goes has its successor
 * there, and what comes is compared with the last of them: all are gone through only when those have been used up.
 */
export function createRanking(size: number, seed: number): Ranking {
  const most = 2 * size + 16;
  let kept: Ranked[] = [];
  /** All that are not kept come after it; `undefined` where all are kept. */
  let edge: Ranked | undefined;
  let base: readonly Endpoint[] | undefined;

  const ranked = (endpoint: Endpoint): Ranked => ({ endpoint, rank: hash(endpoint.address, seed) });

  function rankAll(endpoints: readonly Endpoint[]): number {
    kept = [];
    edge = undefined;
    for (const endpoint of endpoints) put(ranked(endpoint));
    return endpoints.length;
  }

  function put(one: Ranked): void {
    if (edge !== undefined && isBefore(edge, one)) return;
    kept.splice(placeOf(kept, one), 0, one);
    if (kept.length < 2 * most) return;
    kept.length = most;
    edge = kept.at(-1);
  }

  function takeOut(endpoint: Endpoint): void {
    const one = ranked(endpoint);
    for (let at = placeOf(kept, one); at < kept.length && !isBefore(one, kept[at] as Ranked); at++) {
      if (kept[at]?.endpoint !== endpoint) continue;
      kept.splice(at, 1);
      return;
    }
  }

  function take({ gone, come }: Differences<Endpoint>): number {
    for (const endpoint of gone) takeOut(endpoint);
    for (const endpoint of come) put(ranked(endpoint));
    return gone.length + come.length;
  }

  return {
    of(endpoints) {
      const changes = base && differences(base, endpoints);
      base = endpoints;
      let items = glanced(endpoints.length);
      items += changes === undefined ? rankAll(endpoints) : take(changes);
      if (kept.length < Math.min(size, endpoints.length)) items += rankAll(endpoints);
      if (endpoints.length <= size) return { lowest: endpoints, items };
      return { lowest: kept.slice(0, size).map(({ endpoint }) => endpoint), items };
    },
  };
}

/** The index of the first that is not before it. */
function placeOf(list: readonly Ranked[], one: Ranked): number {
  let from = 0;
  let to = list.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (isBefore(list[middle] as Ranked, one)) from = middle + 1;
    else to = middle;
  }
  return from;
}

function isBefore(one: Ranked, other: Ranked): boolean {
  return one.rank < other.rank || (one.rank === other.rank && one.endpoint.address < other.endpoint.address);
}
