import type { Differences } from "../core/differences.ts";
import type { Peer } from "../core/transport.ts";
import { hash, mix } from "./hash.ts";

/** Peers on a circle of 32-bit numbers, each at several places. It stands until the next change. */
export interface Ring {
  /** Places that are taken. */
  readonly size: number;
  /** Their numbers, in ascending order; beyond `size` there is nothing of use. */
  readonly points: Uint32Array;
  /** For each point the number of its peer. */
  readonly owners: Uint32Array;
  /** By those numbers. */
  readonly peers: readonly (Peer | undefined)[];
  /** The ring in equal parts: for each the index of the first point that is not before it. */
  readonly parts: Uint32Array;
  /** Shifts a point to the index of its part. */
  readonly shift: number;
}

/** Keeps a ring as peers come and go. */
export interface RingKeeper {
  /** The ring that would be made of the peers that are left: those that came are at their places, those that went are not. */
  change(differences: Differences<Peer>): Ring;
}

/** Places of a peer on the ring: the more, the less the emptiest has below the average. */
const places = 10;
/** What a packed point is multiplied with: peers that there can be. */
const owned = 2 ** 20;

/** The i-th of the points that a key makes. */
export function pointOf(key: number, i: number): number {
  return mix(key + Math.imul(i, 0x9e3779b9));
}

/** What has not changed is moved as it is, in a pass over numbers that looks at no peer. */
export function createRingKeeper(): RingKeeper {
  const peers: (Peer | undefined)[] = [];
  const numbers = new Map<Peer, number>();
  const free: number[] = [];
  let size = 0;
  let points = new Uint32Array(0);
  let owners = new Uint32Array(0);
  let parts = new Uint32Array(1);
  let shift = 31;

  function takeOut(gone: readonly Peer[]): void {
    const numbersGone = new Set<number>();
    for (const peer of gone) {
      const number = numbers.get(peer);
      if (number === undefined) continue;
      numbers.delete(peer);
      peers[number] = undefined;
      numbersGone.add(number);
      free.push(number);
    }
    if (numbersGone.size === 0) return;
    const marks = new Uint8Array(peers.length);
    for (const number of numbersGone) marks[number] = 1;
    size = withoutMarked(points, owners, size, marks);
  }

  /** From the last to the first, so that what is there makes room as it goes. */
  function putIn(come: readonly Peer[]): void {
    const packed = packedPoints(come);
    let from = size - 1;
    size += packed.length;
    makeRoom();
    let at = size - 1;
    for (let next = packed.length - 1; next >= 0; next--, at--) {
      const both = packed[next] as number;
      const point = Math.floor(both / owned);
      const owner = both % owned;
      const stay = lastBefore(from, point, owner) + 1;
      const moved = from + 1 - stay;
      at -= moved;
      points.copyWithin(at + 1, stay, from + 1);
      owners.copyWithin(at + 1, stay, from + 1);
      points[at] = point;
      owners[at] = owner;
      from = stay - 1;
    }
  }

  /** The index of the last point up to `to` that stands before a new one; -1 where none does. */
  function lastBefore(to: number, point: number, owner: number): number {
    let low = 0;
    let high = to + 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isAfter(middle, point, owner)) high = middle;
      else low = middle + 1;
    }
    return low - 1;
  }

  /** In ascending order. A point and its owner in one number, so that the sort is that of a typed array. */
  function packedPoints(come: readonly Peer[]): Float64Array {
    const packed = new Float64Array(come.length * places);
    for (const [i, peer] of come.entries()) {
      const number = free.pop() ?? peers.length;
      peers[number] = peer;
      numbers.set(peer, number);
      const key = hash(peer.endpoint.address);
      for (let j = 0; j < places; j++) packed[i * places + j] = pointOf(key, j) * owned + number;
    }
    packed.sort();
    for (let at = 1; at < packed.length; at++) {
      // Seldom: two at one point.
      for (let to = at; to > 0 && isTurned(packed[to - 1] as number, packed[to] as number); to--) {
        const other = packed[to - 1] as number;
        packed[to - 1] = packed[to] as number;
        packed[to] = other;
      }
    }
    return packed;
  }

  function isTurned(one: number, other: number): boolean {
    if (Math.floor(one / owned) !== Math.floor(other / owned)) return false;
    return addressOf(one % owned) > addressOf(other % owned);
  }

  function isAfter(at: number, point: number, owner: number): boolean {
    const there = points[at] as number;
    return there === point ? addressOf(owners[at] as number) > addressOf(owner) : there > point;
  }

  function addressOf(number: number): string {
    return peers[number]?.endpoint.address ?? "";
  }

  function makeRoom(): void {
    if (size <= points.length && size * 4 >= points.length) return;
    const room = Math.ceil(size * 1.25);
    points = grown(points, room);
    owners = grown(owners, room);
  }

  /** As many parts as points or a few more, so that a part has about one point and is found without a search. */
  function part(): void {
    shift = Math.max(1, Math.clz32(size));
    const count = 2 ** (32 - shift);
    if (parts.length !== count) parts = new Uint32Array(count);
    fillParts(parts, points, size, shift);
  }

  return {
    change({ gone, come }) {
      takeOut(gone);
      putIn(come);
      part();
      return { size, points, owners, peers, parts, shift };
    },
  };
}

function grown(before: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const after = new Uint32Array(length);
  after.set(before.subarray(0, length));
  return after;
}

// Plain loops over numbers, in functions of their own: where the variables are a closure's they take several times as long.

function withoutMarked(points: Uint32Array, owners: Uint32Array, size: number, marks: Uint8Array): number {
  let kept = 0;
  for (let at = 0; at < size; at++) {
    const owner = owners[at] as number;
    if (marks[owner] === 1) continue;
    points[kept] = points[at] as number;
    owners[kept++] = owner;
  }
  return kept;
}

function fillParts(parts: Uint32Array, points: Uint32Array, size: number, shift: number): void {
  const count = parts.length;
  let at = 0;
  for (let i = 0; i < count; i++) {
    while (at < size && (points[at] as number) >>> shift < i) at++;
    parts[i] = at;
  }
}
