import type { Call } from "../core/call.ts";
import type { Differences } from "../core/differences.ts";
import type { Peer } from "../core/transport.ts";

/** Chooses a peer for a call (or for one attempt at it); `undefined` where none may be used. */
export type Picker = (call: Call) => Peer | undefined;

/** The part of its full share, above 0 and up to 1, that each peer is to have now; `undefined` once all have all. */
export type Shares = () => ((peer: Peer) => number) | undefined;

/** The picker that another takes the place of, and how its peers differ from the other's. */
export interface Replaced extends Differences<Peer> {
  /** Nobody picks by it any more: what it holds may be taken over. */
  readonly picker: Picker;
  /** A peer whose endpoint says something new of it has gone, and has come. */
  readonly gone: readonly Peer[];
  readonly come: readonly Peer[];
}

/**
 * Makes a picker over one snapshot of the peers that may be picked. A new picker is made when the snapshot changes, so
 * that a pick costs the same however many peers there are.
 */
export interface Balancer {
  /**
   * `shares` is given only while peers start slowly, and concerns none but a balancer that is `gradual`. `replaced` is for
   * a balancer that can make a picker of the one before at the cost of what has changed; the picker is the same as
   * without.
   */
  (peers: readonly Peer[], shares?: Shares, replaced?: Replaced): Picker;
  /**
   * Gives peers no more than their `shares` by itself, since a second pick would come out as the first. For any other
   * balancer a pick that falls on a peer beyond its share is made again.
   */
  readonly gradual?: boolean;
}
