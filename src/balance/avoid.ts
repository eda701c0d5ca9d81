import type { Peer } from "../core/transport.ts";
import type { Picker } from "./balancer.ts";

/** Picks of the balancer's own that are tried before any other peer is taken. */
const tries = 3;

/**
 * Keeps a picker from the peer that the attempt before went to, where there is another. It stands here once, so that no
 * balancer need think of it; one that does (a hash ring has a natural next) is never overruled.
 */
export function avoiding(peers: readonly Peer[], picker: Picker, random: () => number): Picker {
  if (peers.length < 2) return picker;
  return (call) => {
    const { avoid } = call;
    if (avoid === undefined) return picker(call);
    for (let i = 0; i < tries; i++) {
      const peer = picker(call);
      if (peer?.endpoint.address !== avoid) return peer;
    }
    const others = peers.filter(({ endpoint }) => endpoint.address !== avoid);
    return others[Math.floor(random() * others.length)];
  };
}
