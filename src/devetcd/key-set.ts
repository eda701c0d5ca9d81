import { isEmpty, type Key, type KeyRange } from "./key-range.ts";
import { firstIndex } from "./sorted.ts";

/** A set of keys that is given as ranges. */
export interface KeySet {
  add(range: KeyRange): void;
  has(key: Key): boolean;
  /** The set as ranges that do not touch, in order. */
  readonly ranges: readonly KeyRange[];
}

export function createKeySet(): KeySet {
  const ranges: KeyRange[] = [];

  /** The first range that does not end before this key. */
  function reaching(key: Key): number {
    return firstIndex(ranges, ({ to }) => to === undefined || to >= key);
  }

  return {
    ranges,
    add(range) {
      if (isEmpty(range)) return;
      const { to } = range;
      const start = reaching(range.from);
      const end = to === undefined ? ranges.length : firstIndex(ranges, ({ from }) => from > to);
      const merged = ranges.slice(start, end).reduce(join, range);
      ranges.splice(start, end - start, merged);
    },
    has(key) {
      const range = ranges[firstIndex(ranges, ({ to }) => to === undefined || to > key)];
      return range !== undefined && range.from <= key;
    },
  };
}

function join(a: KeyRange, b: KeyRange): KeyRange {
  const from = a.from < b.from ? a.from : b.from;
  if (a.to === undefined || b.to === undefined) return { from, to: undefined };
  return { from, to: a.to > b.to ? a.to : b.to };
}
