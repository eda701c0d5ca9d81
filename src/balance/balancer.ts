import type { Call } from "../core/call.ts";
import type { Peer } from "../core/transport.ts";

/** Chooses a peer for a call (or for one attempt at it); `undefined` where none may be used. */
export type Picker = (call: Call) => Peer | undefined;

/**
 * Makes a picker over one snapshot of the peers that may be picked. A new picker is made when the snapshot changes, so
 * that a pick costs the same however many peers there are.
 */
export type Balancer = (peers: readonly Peer[]) => Picker;
