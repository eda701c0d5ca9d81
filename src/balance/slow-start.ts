import type { Clock } from "../core/clock.ts";
import type { Peer } from "../core/transport.ts";
import type { Balancer, Picker, Shares } from "./balancer.ts";

export interface SlowStart {
  readonly slowStartMs: number;
  /** When each peer became ready, on the clock, by its address. */
  readonly readySinceMs: (address: string) => number;
  readonly clock: Clock;
  readonly random: () => number;
}

/** The least part of its share that a new peer is given: something must warm it. */
const leastShare = 0.1;
/** Picks that are made again where they fall on new peers: where half are new, few calls still go beyond a share. */
const tries = 3;

/**
 * Lets new peers warm up, whatever the balancer: the share of one grows from a tenth to 1 over `slowStartMs`, measured
 * against the peer that has been ready for longest, so that where all are new none is held back. Once all are warm it
 * costs one comparison.
 */
export function slowStart(balancer: Balancer, peers: readonly Peer[], options: SlowStart): Picker {
  const shares = sharesOf(peers, options);
  if (shares === undefined) return balancer(peers);
  if (balancer.gradual === true) return balancer(peers, shares);
  const { random } = options;
  // New peers often stand side by side, and one after the other would be picked again.
  return pickingAgain(balancer(shuffled(peers, random)), shares, random);
}

function sharesOf(peers: readonly Peer[], { slowStartMs, readySinceMs, clock }: SlowStart): Shares | undefined {
  if (slowStartMs === 0 || peers.length < 2) return undefined;
  let oldestMs = Number.POSITIVE_INFINITY;
  let newestMs = Number.NEGATIVE_INFINITY;
  for (const { endpoint } of peers) {
    const sinceMs = readySinceMs(endpoint.address);
    oldestMs = Math.min(oldestMs, sinceMs);
    newestMs = Math.max(newestMs, sinceMs);
  }
  const warmAtMs = newestMs + slowStartMs;
  let nowMs = clock.now();
  let warm = nowMs >= warmAtMs;
  if (warm) return undefined;

  let most = 1;
  const shareOf = ({ endpoint }: Peer): number => {
    const age = (nowMs - readySinceMs(endpoint.address)) / slowStartMs;
    return age >= most ? 1 : Math.max(leastShare, age / most);
  };
  return () => {
    if (warm) return undefined;
    nowMs = clock.now();
    warm = nowMs >= warmAtMs;
    most = Math.min(1, (nowMs - oldestMs) / slowStartMs);
    return warm ? undefined : shareOf;
  };
}

function pickingAgain(picker: Picker, shares: Shares, random: () => number): Picker {
  return (call) => {
    let peer = picker(call);
    const shareOf = shares();
    if (shareOf === undefined) return peer;
    for (let i = 0; i < tries && peer !== undefined; i++) {
      const share = shareOf(peer);
      if (share === 1 || random() < share) break;
      peer = picker(call);
    }
    return peer;
  };
}

function shuffled<T>(list: readonly T[], random: () => number): readonly T[] {
  const mixed = [...list];
  for (let left = mixed.length; left > 1; left--) {
    const at = Math.floor(random() * left);
    const last = mixed[left - 1] as T;
    mixed[left - 1] = mixed[at] as T;
    mixed[at] = last;
  }
  return mixed;
}
