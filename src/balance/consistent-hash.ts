import type { Call } from "../core/call.ts";
import { checkNames } from "../core/option-names.ts";
import type { Peer } from "../core/transport.ts";
import type { Balancer, Shares } from "./balancer.ts";
import { hash, mix } from "./hash.ts";

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
/** Points of a peer on the ring: the more, the less the emptiest has below the average. */
const places = 10;
/** Places that are passed by, at most, in search of a peer that may take a key. */
const mostPassed = 64;

/**
 * Calls with the same key to the same peer. When a peer comes or goes only the keys that it takes or leaves move. With
 * slow start it takes them one by one, and until then they stay where they were: a key never goes back and forth.
 *
 * Multi-probe consistent hashing (B. Appleton, M. O'Reilly, 2015, https://arxiv.org/abs/1505.00062): of several points
 * made from the key, the one nearest to a peer counts. So few places on the ring are enough for each peer, and a ring of
 * a thousand peers is made in a millisecond or two, which matters, since it is made anew whenever a peer's state changes.
 * The bound is that of "Consistent Hashing with Bounded Loads" (https://arxiv.org/abs/1608.01350).
 */
export function consistentHash(options: ConsistentHashOptions): Balancer {
  checkNames(options, { key: true, maxLoadFactor: true, random: true }, "consistentHash");
  const { key, maxLoadFactor = Number.POSITIVE_INFINITY, random = Math.random } = options;
  const keyOf = typeof key === "string" ? (call: Call) => call.metadata.get(key) : key;

  const ringed = (peers: readonly Peer[], shares?: Shares) => {
    const ring = ringOf(peers);
    const { points, owners } = ring;
    const overloaded = loadBound(peers, maxLoadFactor);

    return (call: Call): Peer | undefined => {
      if (points.length === 0) return undefined;
      const text = keyOf(call);
      const hashed = text === undefined ? Math.floor(random() * 2 ** 32) : hash(text);
      const mayTake = shares && sharing(peers, hashed, shares);
      const first = text === undefined ? hashed % points.length : nearest(ring, hashed, mayTake);
      for (let i = 0; i < points.length; i++) {
        const owner = owners[(first + i) % points.length] as number;
        const peer = peers[owner] as Peer;
        if (peer.endpoint.address === call.avoid || overloaded(peer)) continue;
        if (mayTake === undefined || mayTake(owner) || i >= mostPassed) return peer;
      }
      return peers[owners[first] as number];
    };
  };
  return Object.assign(ringed, { gradual: true });
}

/**
 * Which peers a key may go to while some have only a share: those whose share is above a number that the key has for
 * itself. So each key sees a ring of its own, without the peers that have not taken it yet.
 */
function sharing(peers: readonly Peer[], key: number, shares: Shares): ((owner: number) => boolean) | undefined {
  const shareOf = shares();
  if (shareOf === undefined) return undefined;
  const threshold = pointOf(key, probes) / 2 ** 32;
  return (owner) => shareOf(peers[owner] as Peer) > threshold;
}

interface Ring {
  /** In ascending order. */
  readonly points: Uint32Array;
  /** For each point the index of its peer. */
  readonly owners: Uint32Array;
  /** The ring in equal parts: for each the index of the first point that is not before it. */
  readonly parts: Uint32Array;
  /** Shifts a point to the index of its part. */
  readonly shift: number;
}

function ringOf(peers: readonly Peer[]): Ring {
  // A point and its owner in one number, so that the sort is that of a typed array.
  const packed = new Float64Array(peers.length * places);
  for (const [owner, { endpoint }] of peers.entries()) {
    const key = hash(endpoint.address);
    for (let i = 0; i < places; i++) packed[owner * places + i] = pointOf(key, i) * peers.length + owner;
  }
  packed.sort();
  const points = new Uint32Array(packed.length);
  const owners = new Uint32Array(packed.length);
  for (const [at, both] of packed.entries()) {
    points[at] = Math.floor(both / peers.length);
    owners[at] = both % peers.length;
  }
  return { points, owners, ...partsOf(points) };
}

/** The i-th of the points that a key makes. */
function pointOf(key: number, i: number): number {
  return mix(key + Math.imul(i, 0x9e3779b9));
}

/** As many parts as points or a few more, so that a part has about one point and is found without a search. */
function partsOf(points: Uint32Array): Pick<Ring, "parts" | "shift"> {
  const shift = Math.max(1, Math.clz32(points.length));
  const parts = new Uint32Array(2 ** (32 - shift));
  let at = 0;
  for (let part = 0; part < parts.length; part++) {
    while (at < points.length && (points[at] as number) >>> shift < part) at++;
    parts[part] = at;
  }
  return { parts, shift };
}

/** The index of the point that follows most closely on one of the key's, of those whose owner may take it. */
function nearest({ points, owners, parts, shift }: Ring, key: number, mayTake?: (owner: number) => boolean): number {
  let found = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < probes; i++) {
    const probe = pointOf(key, i);
    let at = parts[probe >>> shift] as number;
    while (at < points.length && (points[at] as number) < probe) at++;
    if (at === points.length) at = 0;
    if (mayTake !== undefined) {
      for (let i = 0; i < mostPassed && !mayTake(owners[at] as number); i++) at = at + 1 === points.length ? 0 : at + 1;
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
function loadBound(peers: readonly Peer[], factor: number): (peer: Peer) => boolean {
  if (factor === Number.POSITIVE_INFINITY) return () => false;
  let left = 0;
  let most = 0;
  return (peer) => {
    if (--left < 0) {
      left = peers.length - 1;
      const total = peers.reduce((sum, { inflight }) => sum + inflight, 1);
      most = Math.ceil((factor * total) / peers.length);
    }
    return peer.inflight >= most;
  };
}
