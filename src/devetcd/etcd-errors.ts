import { Code } from "../core/code.ts";
import { RpcError } from "../core/rpc-error.ts";

type MakeError = () => RpcError;

function error(code: Code, message: string): MakeError {
  return () => new RpcError(code, `etcdserver: ${message}`);
}

// Clients tell etcd's errors apart by these very texts. They are those of etcd's api/v3rpc/rpctypes/error.go.
export const emptyKey: MakeError = error(Code.INVALID_ARGUMENT, "key is not provided");
export const keyNotFound: MakeError = error(Code.INVALID_ARGUMENT, "key not found");
export const valueProvided: MakeError = error(Code.INVALID_ARGUMENT, "value is provided");
export const leaseProvided: MakeError = error(Code.INVALID_ARGUMENT, "lease is provided");
export const tooManyOps: MakeError = error(Code.INVALID_ARGUMENT, "too many operations in txn request");
export const duplicateKey: MakeError = error(Code.INVALID_ARGUMENT, "duplicate key given in txn request");
export const invalidSortOption: MakeError = error(Code.INVALID_ARGUMENT, "invalid sort option");
export const requestTooLarge: MakeError = error(Code.INVALID_ARGUMENT, "request is too large");
export const compacted: MakeError = error(Code.OUT_OF_RANGE, "mvcc: required revision has been compacted");
export const futureRevision: MakeError = error(Code.OUT_OF_RANGE, "mvcc: required revision is a future revision");
export const noSpace: MakeError = error(Code.RESOURCE_EXHAUSTED, "mvcc: database space exceeded");
export const tooManyRequests: MakeError = error(Code.RESOURCE_EXHAUSTED, "too many requests");
export const leaseNotFound: MakeError = error(Code.NOT_FOUND, "requested lease not found");
export const leaseExists: MakeError = error(Code.FAILED_PRECONDITION, "lease already exists");
export const leaseTtlTooLarge: MakeError = error(Code.OUT_OF_RANGE, "too large lease TTL");
export const authNotEnabled: MakeError = error(Code.FAILED_PRECONDITION, "authentication is not enabled");
