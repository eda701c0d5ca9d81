import type { Call } from "../core/call.ts";
import type { Peer } from "../core/transport.ts";

/** Chooses a peer for a call (or for one attempt at it); `undefined` where none may be used. */
export type Picker = (call: Call) => Peer | undefined;

/** The part of its full share, above 0 and up to 1, that each peer is to have now; `undefined` once all have all. */
export type Shares = () => ((peer: Peer) => number) | undefined;

/**
 * Makes a picker over one snapshot of the peers that may be picked. A new picker is made when the snapshot changes, so
 * that a pick costs the same however many peers there are.
 */
export interface Balancer {
  /** `shares` is given only while peers start slowly, and concerns none but a balancer that is `gradual`. */
  (peers: readonly Peer[], shares?: Shares): Picker;
  /**
   * Gives peers no more than their `shares` by itself, since a second pick would come out as the first. For any other
   * balancer a pick that falls on a peer beyond its share is made again.
   */
  readonly gradual?: boolean;
}
