import type { Call } from "../core/call.ts";
import type { Differences } from "../core/differences.ts";
import { checkNames } from "../core/option-names.ts";
import { createRoster, type Roster } from "../core/roster.ts";
import type { Peer } from "../core/transport.ts";
import type { Balancer, Picker, Replaced, Shares } from "./balancer.ts";
import { leastLoaded } from "./least-loaded.ts";

export interface ZoneAwareOptions {
  /** The zone of this client. A server's stands under `zone` in its endpoint's metadata. */
  readonly zone: string;
  /** Chooses among the peers of the zone, and among those of all others; `leastLoaded()` by default. */
  readonly balancer?: Balancer | undefined;
  /** Calls in flight that a peer of the zone may always have; 4 by default. */
  readonly spillAt?: number | undefined;
  /** Beyond `spillAt`, how many times the calls in flight of a peer elsewhere it must have to spill over; 2 by default. */
  readonly spillFactor?: number | undefined;
}

/**
 * The client's own zone first. A call leaves it when no peer there is ready, or when the peer chosen there is clearly
 * busier than one chosen elsewhere: then the zone has too few servers left for its load, and staying costs more than
 * the way. It is judged by each pick, so that the zone fills up again by itself.
 */
export function zoneAware(options: ZoneAwareOptions): Balancer {
  checkNames(options, { zone: true, balancer: true, spillAt: true, spillFactor: true }, "zoneAware");
  const { zone, balancer = leastLoaded(), spillAt = 4, spillFactor = 2 } = options;
  const isNear = ({ endpoint }: Peer): boolean => endpoint.metadata?.zone === zone;
  const kept = new WeakMap<Picker, Kept>();

  const zoned = (peers: readonly Peer[], shares?: Shares, replaced?: Replaced): Picker => {
    const before = replaced && kept.get(replaced.picker);
    const differences = before === undefined || replaced === undefined ? { gone: [], come: peers } : replaced;
    const near = sideOf(before?.near, differences, isNear);
    const far = sideOf(before?.far, differences, (peer) => !isNear(peer));
    const pickNear = near.peers.size === 0 ? undefined : balancer(near.peers.list(), shares, near.replaced);
    const pickFar = far.peers.size === 0 ? undefined : balancer(far.peers.list(), shares, far.replaced);
    const pick = pickOf(pickNear, pickFar);
    kept.set(pick, { near: { peers: near.peers, picker: pickNear }, far: { peers: far.peers, picker: pickFar } });
    return pick;
  };

  /** A function of its own in each case, since what it stands for is kept by it. */
  const pickOf = (pickNear: Picker | undefined, pickFar: Picker | undefined): Picker => {
    if (pickNear === undefined || pickFar === undefined) return (call) => (pickNear ?? pickFar)?.(call);
    return (call: Call): Peer | undefined => {
      const here = pickNear(call);
      if (here === undefined) return pickFar(call);
      if (here.inflight <= spillAt) return here;
      const there = pickFar(call);
      if (there === undefined) return here;
      return here.inflight > spillAt + spillFactor * there.inflight ? there : here;
    };
  };
  return Object.assign(zoned, { gradual: balancer.gradual === true });
}

/** The peers of the zone, or those of all others. */
interface Side {
  readonly peers: Roster<Peer>;
  /** `undefined` where there are none. */
  readonly picker: Picker | undefined;
}

interface Kept {
  readonly near: Side;
  readonly far: Side;
}

/** The peers of one side as they are now, and what of that concerns its picker. */
function sideOf(
  before: Side | undefined,
  { gone, come }: Differences<Peer>,
  isHere: (peer: Peer) => boolean,
): { readonly peers: Roster<Peer>; readonly replaced: Replaced | undefined } {
  const peers = before?.peers ?? createRoster<Peer>();
  const left = gone.filter((peer) => peers.delete(peer));
  const joined = come.filter(isHere);
  for (const peer of joined) peers.add(peer);
  return { peers, replaced: before?.picker && { picker: before.picker, gone: left, come: joined } };
}
