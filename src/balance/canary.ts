import type { CanaryPolicy } from "../core/canary-policy.ts";
import type { Peer } from "../core/transport.ts";
import type { Balancer, Picker, Shares } from "./balancer.ts";

export interface CanaryOptions {
  /** What holds of a service now; the same object while nothing has changed. */
  readonly canaryOf: (service: string) => CanaryPolicy | undefined;
  /** A random number from 0 to 1; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

/**
 * Gives the servers that match their share of the calls, and the others the rest; within each `balancer` picks. Where there
 * are none of one kind that can be called, the other takes all.
 */
export function canary(balancer: Balancer, { canaryOf, random = Math.random }: CanaryOptions): Balancer {
  const parted = (peers: readonly Peer[], shares?: Shares): Picker => {
    const every = balancer(peers, shares);
    let policy: CanaryPolicy | undefined;
    let picker = every;
    return (call) => {
      const latest = canaryOf(call.method.service);
      if (latest !== policy) {
        policy = latest;
        picker = latest === undefined ? every : part(latest);
      }
      return picker(call);
    };

    function part({ match, share }: CanaryPolicy): Picker {
      const those = peers.filter((peer) => isMatch(peer, match));
      const others = peers.filter((peer) => !isMatch(peer, match));
      if (those.length === 0 || others.length === 0) return every;
      const [pickThose, pickOther] = [balancer(those, shares), balancer(others, shares)];
      return (call) => (random() < share ? (pickThose(call) ?? pickOther(call)) : (pickOther(call) ?? pickThose(call)));
    }
  };
  return Object.assign(parted, { gradual: balancer.gradual === true });
}

function isMatch({ endpoint: { metadata } }: Peer, match: CanaryPolicy["match"]): boolean {
  return Object.entries(match).every(([name, value]) => metadata?.[name] === value);
}
