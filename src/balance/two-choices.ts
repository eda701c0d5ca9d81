import type { Peer } from "../core/transport.ts";
import type { Picker } from "./balancer.ts";

/**
 * Picks the cheaper of two peers chosen at random. That is nearly as good as asking all of them, and keeps many clients
 * from rushing to the same one. (M. Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001.)
 */
export function twoChoices<P extends Peer>(
  peers: readonly P[],
  cost: (peer: P) => number,
  random: () => number,
): Picker {
  const count = peers.length;
  if (count < 2) return () => peers[0];
  return () => {
    const i = Math.floor(random() * count);
    const j = Math.floor(random() * (count - 1));
    const one = peers[i] as P;
    const other = peers[j < i ? j : j + 1] as P;
    return cost(other) < cost(one) ? other : one;
  };
}
