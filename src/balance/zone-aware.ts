import type { Call } from "../core/call.ts";
import { checkNames } from "../core/option-names.ts";
import type { Peer } from "../core/transport.ts";
import type { Balancer, Shares } from "./balancer.ts";
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
  const zoned = (peers: readonly Peer[], shares?: Shares) => {
    const near = peers.filter(({ endpoint }) => endpoint.metadata?.zone === zone);
    const far = peers.filter(({ endpoint }) => endpoint.metadata?.zone !== zone);
    if (near.length === 0 || far.length === 0) return balancer(peers, shares);
    const pickNear = balancer(near, shares);
    const pickFar = balancer(far, shares);
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
