import type { Call } from "../core/call.ts";
import { checkNames } from "../core/option-names.ts";
import type { Peer } from "../core/transport.ts";
import type { Balancer, Picker, Replaced, Shares } from "./balancer.ts";
import { hash } from "./hash.ts";
import { createRingKeeper, pointOf, type Ring, type RingKeeper } from "./hash-ring.ts";

export interface ConsistentHashOptions {
  /** What makes calls go together: a key of their metadata, or a function of them. Calls without go anywhere. */
  readonly key: string | ((call: Call) => string | undefined);
  /**
   * The most calls in flight that a peer is given, as a multiple of the average; what is over goes to the next on the
   * ring. 1.25 is a good value for keys of which some are hot. No bound by default.
   */
  readonly maxLoadFactor?: number | undefined;
  /** A random number from 0 to 1; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

/** Points that are tried for a key: the more, the less the fullest peer has above the average. */
const probes = 21;
/** Places that are passed by, at most, in search of a peer that may take a key. */
const mostPassed = 64;

/**
 * Calls with the same key to the same peer. When a peer comes or goes only the keys that it takes or leaves move. With
 * slow start it takes them one by one, and until then they stay where they were: a key never goes back and forth.
 *
 * Multi-probe consistent hashing (B. Appleton, M. O'Reilly, 2015, https://arxiv.org/abs/1505.00062): of several points
 * made from the key, the one nearest to a peer counts. So few places on the ring are enough for each peer, which matters,
 * since it is made over whenever a peer's state changes.
 * The bound is that of "Consistent Hashing with Bounded Loads" (https://arxiv.org/abs/1608.01350).
 */
export function consistentHash(options: ConsistentHashOptions): Balancer {
  checkNames(options, { key: true, maxLoadFactor: true, random: true }, "consistentHash");
  const { key, maxLoadFactor = Number.POSITIVE_INFINITY, random = Math.random } = options;
  const keyOf = typeof key === "string" ? (call: Call) => call.metadata.get(key) : key;

  const kept = new WeakMap<Picker, Kept>();

  const ringed = (peers: readonly Peer[], shares?: Shares, replaced?: Replaced): Picker => {
    const before = replaced && kept.get(replaced.picker);
    const { keeper, load } = before ?? { keeper: createRingKeeper(), load: { most: 0, picksLeft: 0 } };
    const ring = keeper.change(before === undefined || replaced === undefined ? { gone: [], come: peers } : replaced);
    const { size, owners } = ring;
    const overloaded = loadBound(peers, maxLoadFactor, load);

    const pick = (call: Call): Peer | undefined => {
      if (size === 0) return undefined;
      const text = keyOf(call);
      const hashed = text === undefined ? Math.floor(random() * 2 ** 32) : hash(text);
      const mayTake = shares && sharing(ring, hashed, shares);
      const first = text === undefined ? hashed % size : nearest(ring, hashed, mayTake);
      for (let i = 0; i < size; i++) {
        const owner = owners[(first + i) % size] as number;
        const peer = ring.peers[owner] as Peer;
        if (peer.endpoint.address === call.avoid || overloaded(peer)) continue;
        if (mayTake === undefined || mayTake(owner) || i >= mostPassed) return peer;
      }
      return ring.peers[owners[first] as number];
    };
    kept.set(pick, { keeper, load });
    return pick;
  };
  return Object.assign(ringed, { gradual: true });
}

/**
 * Which peers a key may go to while some have only a share: those whose share is above a number that the key has for
 * itself. So each key sees a ring of its own, without the peers that have not taken it yet.
 */
function sharing({ peers }: Ring, key: number, shares: Shares): ((owner: number) => boolean) | undefined {
  const shareOf = shares();
  if (shareOf === undefined) return undefined;
  const threshold = pointOf(key, probes) / 2 ** 32;
  return (owner) => shareOf(peers[owner] as Peer) > threshold;
}

/** What a picker leaves to the one that replaces it. */
interface Kept {
  readonly keeper: RingKeeper;
  readonly load: Load;
}

interface Load {
  /** Calls in flight that a peer may have. */
  most: number;
  /** Picks until that is reckoned anew. */
  picksLeft: number;
}

/** The index of the point that follows most closely on one of the key's, of those whose owner may take it. */
function nearest(ring: Ring, key: number, mayTake?: (owner: number) => boolean): number {
  const { size, points, owners, parts, shift } = ring;
  let found = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < probes; i++) {
    const probe = pointOf(key, i);
    let at = parts[probe >>> shift] as number;
    while (at < size && (points[at] as number) < probe) at++;
    if (at === size) at = 0;
    if (mayTake !== undefined) {
      for (let i = 0; i < mostPassed && !mayTake(owners[at] as number); i++) at = at + 1 === size ? 0 : at + 1;
    }
    const distance = ((points[at] as number) - probe) >>> 0;
    if (distance < least) {
      least = distance;
      found = at;
    }
  }
  return found;
}

/** Tells whether a peer has its fill. The average is taken anew once in as many picks as there are peers. */
function loadBound(peers: readonly Peer[], factor: number, load: Load): (peer: Peer) => boolean {
  if (factor === Number.POSITIVE_INFINITY) return () => false;
  return (peer) => {
    if (--load.picksLeft < 0) {
      load.picksLeft = peers.length - 1;
      const total = peers.reduce((sum, { inflight }) => sum + inflight, 1);
      load.most = Math.ceil((factor * total) / peers.length);
    }
    return peer.inflight >= load.most;
  };
}
