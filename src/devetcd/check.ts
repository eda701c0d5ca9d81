import type {
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from "../../gen/etcd/api/etcdserverpb/rpc.ts";
import {
  duplicateKey,
  emptyKey,
  invalidSortOption,
  keyNotFound,
  leaseProvided,
  tooManyOps,
  valueProvided,
} from "./etcd-errors.ts";
import { boundedRange, type Key, keyFrom } from "./key-range.ts";
import { createKeySet, type KeySet } from "./key-set.ts";

// What etcd finds wrong with a request before it looks at its data. Every function here throws etcd's own error.

/** The operations that a transaction may have in a list, and its nested ones along a path; etcd's default. */
export const maxTxnOps = 128;

const lastSortOrder = 2;
const lastSortTarget = 4;

export function checkRange({ key, sortOrder, sortTarget }: RangeRequest): void {
  if (key.length === 0) throw emptyKey();
  if (sortOrder < 0 || sortOrder > lastSortOrder) throw invalidSortOption();
  if (sortTarget < 0 || sortTarget > lastSortTarget) throw invalidSortOption();
}

export function checkPut({ key, value, lease, ignoreValue, ignoreLease }: PutRequest): void {
  if (key.length === 0) throw emptyKey();
  if (ignoreValue && value.length > 0) throw valueProvided();
  if (ignoreLease && lease !== 0n) throw leaseProvided();
}

export function checkDelete({ key }: DeleteRangeRequest): void {
  if (key.length === 0) throw emptyKey();
}

export function checkTxn(txn: TxnRequest): void {
  checkOps(txn, maxTxnOps);
  checkOverlap(txn.success);
  checkOverlap(txn.failure);
}

function checkOps({ compare, success, failure }: TxnRequest, allowed: number): void {
  const ops = Math.max(compare.length, success.length, failure.length);
  if (ops > allowed) throw tooManyOps();
  if (compare.some(({ key }) => key.length === 0)) throw emptyKey();
  for (const op of [...success, ...failure]) checkOp(op, allowed - ops);
}

function checkOp({ request }: RequestOp, allowed: number): void {
  if (request === undefined) throw keyNotFound();
  if (request.$case === "requestRange") checkRange(request.value);
  else if (request.$case === "requestPut") checkPut(request.value);
  else if (request.$case === "requestDeleteRange") checkDelete(request.value);
  else checkOps(request.value, allowed);
}

interface Written {
  readonly puts: ReadonlySet<Key>;
  readonly deletes: KeySet;
}

/**
 * A transaction may not put a key twice, nor put what it deletes. The branches of a nested one exclude each other:
 * both may put the same key. The order of the steps is etcd's, since it decides what is found.
 */
function checkOverlap(ops: readonly RequestOp[]): Written {
  const puts = new Set<Key>();
  const deletes = createKeySet();
  for (const { request } of ops) {
    // etcd does not read `\0` as "all from here on" in this place.
    if (request?.$case === "requestDeleteRange") deletes.add(boundedRange(request.value.key, request.value.rangeEnd));
  }
  const add = (key: Key, mayRepeat?: ReadonlySet<Key>): void => {
    if (deletes.has(key) || (puts.has(key) && !mayRepeat?.has(key))) throw duplicateKey();
    puts.add(key);
  };
  for (const { request } of ops) {
    if (request?.$case !== "requestTxn") continue;
    const success = checkOverlap(request.value.success);
    const failure = checkOverlap(request.value.failure);
    for (const key of success.puts) add(key);
    for (const key of failure.puts) add(key, success.puts);
    for (const range of [...success.deletes.ranges, ...failure.deletes.ranges]) deletes.add(range);
  }
  for (const { request } of ops) {
    if (request?.$case === "requestPut") add(keyFrom(request.value.key));
  }
  return { puts, deletes };
}
