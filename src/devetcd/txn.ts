import type { RequestOp, ResponseOp, TxnRequest, TxnResponse } from "../../gen/etcd/api/etcdserverpb/rpc.ts";
import { holds } from "./compare.ts";
import { compacted, futureRevision } from "./etcd-errors.ts";
import { revisionHeader } from "./header.ts";
import { readRange } from "./range.ts";
import type { Store, View, Write } from "./store.ts";
import { applyDelete, applyPut, checkPutAgainst, type LeaseLookup } from "./write.ts";

/** A transaction whose comparisons have been decided, its nested ones too. */
interface Decided {
  readonly succeeded: boolean;
  readonly steps: readonly Step[];
}

type Step = Decided | Exclude<RequestOp["request"], { $case: "requestTxn" } | undefined>;

/**
 * Runs a transaction; the header holds the revision only. As in etcd every comparison, the nested ones too, sees the
 * store before the first change, and everything that may fail is tried before it.
 */
export function runTxn(store: Store, leases: LeaseLookup, txn: TxnRequest): TxnResponse {
  const decided = decide(store, txn);
  check(store, leases, decided);
  return store.write((write) => {
    const reply = apply(write, decided);
    return { ...reply, header: revisionHeader(write.revision) };
  });
}

function decide(view: View, { compare, success, failure }: TxnRequest): Decided {
  const succeeded = compare.every((each) => holds(view, each));
  const steps = (succeeded ? success : failure).flatMap(({ request }): Step | [] =>
    request?.$case === "requestTxn" ? decide(view, request.value) : (request ?? []),
  );
  return { succeeded, steps };
}

function check(store: Store, leases: LeaseLookup, { steps }: Decided): void {
  for (const step of steps) {
    if ("steps" in step) check(store, leases, step);
    else if (step.$case === "requestPut") checkPutAgainst(store, leases, step.value);
    else if (step.$case === "requestRange") checkRevision(store, step.value.revision);
  }
}

function checkRevision({ revision, compactRevision }: Store, asked: bigint): void {
  if (asked > revision) throw futureRevision();
  if (asked !== 0n && asked < compactRevision) throw compacted();
}

function apply(write: Write, { succeeded, steps }: Decided): TxnResponse {
  const responses = steps.map((step): ResponseOp => ({ response: applyStep(write, step) }));
  return { header: revisionHeader(0n), succeeded, responses };
}

function applyStep(write: Write, step: Step): ResponseOp["response"] {
  if ("steps" in step) return { $case: "responseTxn", value: apply(write, step) };
  switch (step.$case) {
    case "requestRange":
      return { $case: "responseRange", value: readRange(write, step.value) };
    case "requestPut":
      return { $case: "responsePut", value: applyPut(write, step.value) };
    case "requestDeleteRange":
      return { $case: "responseDeleteRange", value: applyDelete(write, step.value) };
  }
}
