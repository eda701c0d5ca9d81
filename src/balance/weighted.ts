import type { Differences } from "../core/differences.ts";
import { checkNames } from "../core/option-names.ts";
import type { Peer } from "../core/transport.ts";
import type { Balancer, Picker } from "./balancer.ts";

export interface WeightedOptions {
  /** A random number from 0 to 1; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

interface Turn {
  readonly peer: Peer;
  /** The time between two turns: the higher the weight, the shorter. */
  readonly every: number;
  next: number;
  /** Its peer has gone: when it is due it is passed over. */
  over: boolean;
}

interface Schedule {
  /** A heap: none is due before the first. */
  readonly turns: Turn[];
  /** Those that are not over. */
  readonly byPeer: Map<Peer, Turn>;
  /** There are none but peers of weight 0. */
  readonly weightless: boolean;
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
  const kept = new WeakMap<Picker, Schedule>();
  return (peers, _shares, replaced) => {
    const before = replaced && kept.get(replaced.picker);
    const taken = before !== undefined && replaced !== undefined && takeOver(before, replaced, random);
    const schedule = taken ? before : scheduleOf(peers, random);
    const { turns } = schedule;
    const pick = (): Peer | undefined => {
      let turn = turns[0];
      while (turn?.over) {
        removeFirst(turns);
        turn = turns[0];
      }
      if (turn === undefined) return undefined;
      turn.next += turn.every;
      sink(turns);
      return turn.peer;
    };
    kept.set(pick, schedule);
    return pick;
  };
}

function scheduleOf(peers: readonly Peer[], random: () => number): Schedule {
  const positive = peers.filter((peer) => weightOf(peer) > 0);
  const weightless = positive.length === 0;
  const turns = (weightless ? peers : positive).map((peer) => turnOf(peer, 0, random));
  turns.sort((a, b) => a.next - b.next); // a sorted list is a heap
  return { turns, byPeer: new Map(turns.map((turn) => [turn.peer, turn])), weightless };
}

function turnOf(peer: Peer, now: number, random: () => number): Turn {
  const every = 1 / (weightOf(peer) || 1);
  return { peer, every, next: now + every * random(), over: false };
}

/** False where the peers that are left have to be scheduled anew. */
function takeOver(schedule: Schedule, { gone, come }: Differences<Peer>, random: () => number): boolean {
  const { turns, byPeer } = schedule;
  if (schedule.weightless) return false;
  for (const peer of gone) {
    const turn = byPeer.get(peer);
    if (turn !== undefined) turn.over = true;
    byPeer.delete(peer);
  }
  const now = turns[0]?.next ?? 0;
  for (const peer of come) {
    if (weightOf(peer) === 0) continue;
    const turn = turnOf(peer, now, random);
    byPeer.set(peer, turn);
    turns.push(turn);
    rise(turns);
  }
  return byPeer.size > 0 && turns.length <= 16 + 2 * byPeer.size;
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

/** Moves the last of a heap up to where it belongs. */
function rise(heap: Turn[]): void {
  let at = heap.length - 1;
  const turn = heap[at] as Turn;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] as Turn;
    if (above.next <= turn.next) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = turn;
}

function removeFirst(heap: Turn[]): void {
  const last = heap.pop() as Turn;
  if (heap.length === 0) return;
  heap[0] = last;
  sink(heap);
}
