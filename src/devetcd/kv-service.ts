import type { KV } from "../../gen/etcd/api/etcdserverpb/rpc.rpc.ts";
import { PutRequest, type ResponseHeader, TxnRequest } from "../../gen/etcd/api/etcdserverpb/rpc.ts";
import type { Implementation } from "../server/implementation.ts";
import { checkDelete, checkPut, checkRange, checkTxn } from "./check.ts";
import { fullHeader, type Member } from "./header.ts";
import type { Leases } from "./leases.ts";
import { readRange } from "./range.ts";
import { keepRoom, type RoomOptions } from "./room.ts";
import type { Store } from "./store.ts";
import { runTxn } from "./txn.ts";
import { applyDelete, applyPut, checkPutAgainst } from "./write.ts";

/** `etcdserverpb.KV` over a store. */
export function kvService(
  store: Store,
  leases: Leases,
  member: Member,
  options: RoomOptions,
): Implementation<typeof KV> {
  const makeRoom = keepRoom(store, options);
  const complete = <T extends { readonly header: ResponseHeader | undefined }>(reply: T): T => ({
    ...reply,
    header: fullHeader(member, reply.header?.revision || store.revision),
  });

  return {
    range(request) {
      checkRange(request);
      return complete(readRange(store, request));
    },
    put(request) {
      checkPut(request);
      makeRoom(PutRequest.encode(request).finish().length);
      checkPutAgainst(store, leases, request);
      return complete(store.write((write) => applyPut(write, request)));
    },
    deleteRange(request) {
      checkDelete(request);
      return complete(store.write((write) => applyDelete(write, request)));
    },
    txn(request) {
      checkTxn(request);
      makeRoom(TxnRequest.encode(request).finish().length);
      return complete(runTxn(store, leases, request));
    },
    compact({ revision }) {
      store.compact(revision);
      return { header: fullHeader(member, store.revision) };
    },
  };
}
