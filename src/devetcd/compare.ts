import { type Compare, Compare_CompareResult, Compare_CompareTarget } from "../../gen/etcd/api/etcdserverpb/rpc.ts";
import type { KeyValue } from "../../gen/etcd/api/mvccpb/kv.ts";
import { rangeFrom } from "./key-range.ts";
import type { View } from "./store.ts";

const absent: KeyValue = {
  key: new Uint8Array(),
  createRevision: 0n,
  modRevision: 0n,
  version: 0n,
  value: new Uint8Array(),
  lease: 0n,
};

/** What a transaction asks about a key or, with a `range_end`, about every key of a range. */
export function holds(view: View, compare: Compare): boolean {
  const found = view.read(rangeFrom(compare.key, compare.rangeEnd));
  // There is no value that a missing key has, not even the empty one.
  if (found.length === 0) return compare.target !== Compare_CompareTarget.VALUE && holdsFor(compare, absent);
  return found.every((kv) => holdsFor(compare, kv));
}

function holdsFor(compare: Compare, kv: KeyValue): boolean {
  const order = compareTarget(compare, kv);
  switch (compare.result) {
    case Compare_CompareResult.EQUAL:
      return order === 0;
    case Compare_CompareResult.NOT_EQUAL:
      return order !== 0;
    case Compare_CompareResult.GREATER:
      return order > 0;
    case Compare_CompareResult.LESS:
      return order < 0;
    default:
      return true;
  }
}

/** A target that the comparison does not give is 0, or empty. */
function compareTarget({ target, targetUnion: given }: Compare, kv: KeyValue): number {
  switch (target) {
    case Compare_CompareTarget.VALUE:
      return Buffer.compare(kv.value, given?.$case === "value" ? given.value : absent.value);
    case Compare_CompareTarget.CREATE:
      return order(kv.createRevision, given?.$case === "createRevision" ? given.value : 0n);
    case Compare_CompareTarget.MOD:
      return order(kv.modRevision, given?.$case === "modRevision" ? given.value : 0n);
    case Compare_CompareTarget.VERSION:
      return order(kv.version, given?.$case === "version" ? given.value : 0n);
    case Compare_CompareTarget.LEASE:
      return order(kv.lease, given?.$case === "lease" ? given.value : 0n);
    default:
      return 0;
  }
}

function order(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
