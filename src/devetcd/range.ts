import {
  type RangeRequest,
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
  type RangeResponse,
} from "../../gen/etcd/api/etcdserverpb/rpc.ts";
import type { KeyValue } from "../../gen/etcd/api/mvccpb/kv.ts";
import { revisionHeader } from "./header.ts";
import { rangeFrom } from "./key-range.ts";
import type { View } from "./store.ts";

const { NONE, ASCEND, DESCEND } = RangeRequest_SortOrder;
const { KEY, VERSION, CREATE, MOD, VALUE } = RangeRequest_SortTarget;

/** Answers a range request; the header holds the revision only. */
export function readRange(view: View, request: RangeRequest): RangeResponse {
  const found = view.read(rangeFrom(request.key, request.rangeEnd), request.revision);
  const reply = { header: revisionHeader(view.revision), kvs: [], more: false, count: BigInt(found.length) };
  if (request.countOnly) return reply;
  const sorted = sort(filter(found, request), request);
  const limit = Number(request.limit);
  const more = limit > 0 && sorted.length > limit;
  const kvs = more ? sorted.slice(0, limit) : sorted;
  return { ...reply, more, kvs: request.keysOnly ? kvs.map(withoutValue) : kvs };
}

function filter(found: readonly KeyValue[], request: RangeRequest): KeyValue[] {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  const within = (revision: bigint, min: bigint, max: bigint): boolean =>
    (min === 0n || revision >= min) && (max === 0n || revision <= max);
  return found.filter(
    (kv) =>
      within(kv.modRevision, minModRevision, maxModRevision) &&
      within(kv.createRevision, minCreateRevision, maxCreateRevision),
  );
}

function sort(found: KeyValue[], request: RangeRequest): KeyValue[] {
  const { sortTarget: target, sortOrder: order } = request;
  if (order === NONE) {
    // Without an order etcd takes the limit before it sorts, and one key more to know whether there are more.
    const first = isFiltered(request) || request.limit <= 0n ? found : found.slice(0, Number(request.limit) + 1);
    return target === KEY ? first : first.sort(by(target));
  }
  if (order === ASCEND && target === KEY) return found;
  const compare = by(target);
  return found.sort(order === DESCEND ? (a, b) => compare(b, a) : compare);
}

function isFiltered(request: RangeRequest): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  return [minModRevision, maxModRevision, minCreateRevision, maxCreateRevision].some((bound) => bound !== 0n);
}

type Compare = (a: KeyValue, b: KeyValue) => number;

const comparisons = new Map<number, Compare>([
  [KEY, (a, b) => Buffer.compare(a.key, b.key)],
  [VERSION, (a, b) => Number(a.version - b.version)],
  [CREATE, (a, b) => Number(a.createRevision - b.createRevision)],
  [MOD, (a, b) => Number(a.modRevision - b.modRevision)],
  [VALUE, (a, b) => Buffer.compare(a.value, b.value)],
]);

function by(target: number): Compare {
  return comparisons.get(target) ?? (() => 0);
}

function withoutValue(kv: KeyValue): KeyValue {
  return { ...kv, value: new Uint8Array() };
}
