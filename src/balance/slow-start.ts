import type { Clock } from "../core/clock.ts";
import type { Peer } from "../core/transport.ts";
import type { Picker } from "./balancer.ts";

export interface SlowStart {
  readonly slowStartMs: number;
  /** When each peer became ready, on the clock, by its address. */
  readonly readySinceMs: (address: string) => number;
  readonly clock: Clock;
  readonly random: () => number;
}

/** The least part of its share that a new peer is given: something must warm it. */
const leastShare = 0.1;

/**
 * Lets new peers warm up, whatever the balancer: a pick that falls on one stands with a chance that grows from a tenth
 * to 1 over `slowStartMs`; otherwise the balancer picks once more. It is measured against the peer that has been ready
 * for longest, so that where all are new none is held back. Once all are warm it costs one comparison.
 */
export function slowStart(peers: readonly Peer[], picker: Picker, options: SlowStart): Picker {
  const { slowStartMs, readySinceMs, clock, random } = options;
  const since = peers.map(({ endpoint }) => readySinceMs(endpoint.address));
  const oldestMs = Math.min(...since);
  const warmAtMs = Math.max(...since) + slowStartMs;
  let warm = slowStartMs === 0 || peers.length < 2 || clock.now() >= warmAtMs;
  if (warm) return picker;

  return (call) => {
    const peer = picker(call);
    if (warm || peer === undefined) return peer;
    const nowMs = clock.now();
    warm = nowMs >= warmAtMs;
    const oldest = Math.min(1, (nowMs - oldestMs) / slowStartMs);
    const age = (nowMs - readySinceMs(peer.endpoint.address)) / slowStartMs;
    return age >= oldest || random() < Math.max(leastShare, age / oldest) ? peer : picker(call);
  };
}
