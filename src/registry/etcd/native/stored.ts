import type { KeyValue } from "../../../../gen/etcd/api/mvccpb/kv.ts";
import type { Stored } from "../wire.ts";

export function storedOf({ key, value, modRevision, lease }: KeyValue): Stored {
  return { key, value, modRevision, leaseId: lease };
}
