import type {
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
} from "../../gen/etcd/api/etcdserverpb/rpc.ts";
import type { KeyValue } from "../../gen/etcd/api/mvccpb/kv.ts";
import { keyNotFound, leaseNotFound } from "./etcd-errors.ts";
import { revisionHeader } from "./header.ts";
import { boundedRange, keyFrom, rangeFrom } from "./key-range.ts";
import type { View, Write } from "./store.ts";

const nothing = new Uint8Array();

/** Which leases there are. */
export interface LeaseLookup {
  has(id: bigint): boolean;
}

/** @throws RpcError where a put cannot be done: its lease is unknown, or there is no value or lease to keep */
export function checkPutAgainst(view: View, leases: LeaseLookup, put: PutRequest): void {
  if (put.lease !== 0n && !leases.has(put.lease)) throw leaseNotFound();
  if ((put.ignoreValue || put.ignoreLease) && before(view, put) === undefined) throw keyNotFound();
}

/** Does a put that was checked; the header holds the revision only. */
export function applyPut(write: Write, put: PutRequest): PutResponse {
  const prevKv = put.prevKv || put.ignoreValue || put.ignoreLease ? before(write, put) : undefined;
  const value = put.ignoreValue ? (prevKv?.value ?? nothing) : put.value;
  const lease = put.ignoreLease ? (prevKv?.lease ?? 0n) : put.lease;
  write.put(keyFrom(put.key), value, lease);
  return { header: revisionHeader(write.revision), prevKv: put.prevKv ? prevKv : undefined };
}

/** Does a deletion; the header holds the revision only. */
export function applyDelete(write: Write, { key, rangeEnd, prevKv }: DeleteRangeRequest): DeleteRangeResponse {
  const range = rangeFrom(key, rangeEnd);
  const prevKvs = prevKv ? write.read(range) : [];
  const deleted = BigInt(write.delete(range));
  return { header: revisionHeader(write.revision), deleted, prevKvs };
}

function before(view: View, { key }: PutRequest): KeyValue | undefined {
  return view.read(boundedRange(key, nothing))[0];
}
