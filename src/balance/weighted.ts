import { checkNames } from "../core/option-names.ts";
import type { Peer } from "../core/transport.ts";
import type { Balancer } from "./balancer.ts";

export interface WeightedOptions {
  /** A random number from 0 to 1; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

interface Turn {
  readonly peer: Peer;
  /** The time between two turns: the higher the weight, the shorter. */
  readonly every: number;
  next: number;
}

/**
 * Each peer as often as its weight says, evenly spread and never in bursts. The weight is a positive number under
 * `weight` in the endpoint's metadata; without one, or with one that is no number, it is 1. With 0 a peer is called only
 * where no other may be.
 *
 * The peer whose turn is due first is called, and its next turn is 1 / weight later (earliest deadline first, as in
 * Envoy's weighted round robin). The turns are kept in a heap, so that a pick among a thousand costs ten comparisons.
 */
export function weighted(options: WeightedOptions = {}): Balancer {
  checkNames(options, { random: true }, "weighted");
  const { random = Math.random } = options;
  return (peers) => {
    const positive = peers.filter((peer) => weightOf(peer) > 0);
    const turns = (positive.length > 0 ? positive : peers).map((peer): Turn => {
      const every = 1 / (weightOf(peer) || 1);
      return { peer, every, next: every * random() };
    });
    turns.sort((a, b) => a.next - b.next); // a sorted list is a heap
    return () => {
      const turn = turns[0];
      if (turn === undefined) return undefined;
      turn.next += turn.every;
      sink(turns);
      return turn.peer;
    };
  };
}

function weightOf({ endpoint: { metadata } }: Peer): number {
  const weight = Number(metadata?.weight || Number.NaN);
  return weight >= 0 && weight < Number.POSITIVE_INFINITY ? weight : 1;
}

/** Moves the first of a heap down to where it belongs. */
function sink(heap: Turn[]): void {
  const turn = heap[0] as Turn;
  let at = 0;
  for (let child = 1; child < heap.length; child = 2 * at + 1) {
    const right = heap[child + 1];
    if (right !== undefined && right.next < (heap[child] as Turn).next) child++;
    const below = heap[child] as Turn;
    if (below.next >= turn.next) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = turn;
}
