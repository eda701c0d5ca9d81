/**
 * A key as the store holds it: one character a byte, so that strings compare as etcd compares bytes.
 */
export type Key = string;

export function keyFrom(bytes: Uint8Array): Key {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

export function bytesOf(key: Key): Uint8Array {
  return Uint8Array.from(Buffer.from(key, "latin1"));
}

/** The keys from `from` on, below `to`; all of them where `to` is undefined. */
export interface KeyRange {
  readonly from: Key;
  readonly to: Key | undefined;
}

/** What a request asks for: without a `range_end` one key, and with `\0` every key from `key` on. */
export function rangeFrom(key: Uint8Array, rangeEnd: Uint8Array): KeyRange {
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return { from: keyFrom(key), to: undefined };
  return boundedRange(key, rangeEnd);
}

/** As `rangeFrom`, but `\0` stands for itself: such a range is empty. */
export function boundedRange(key: Uint8Array, rangeEnd: Uint8Array): KeyRange {
  const from = keyFrom(key);
  return { from, to: rangeEnd.length === 0 ? `${from}\0` : keyFrom(rangeEnd) };
}

export function contains({ from, to }: KeyRange, key: Key): boolean {
  return key >= from && (to === undefined || key < to);
}

export function isEmpty({ from, to }: KeyRange): boolean {
  return to !== undefined && to <= from;
}
