import type { Auth, Cluster, Maintenance } from "../../gen/etcd/api/etcdserverpb/rpc.rpc.ts";
import type { Implementation } from "../server/implementation.ts";
import { authNotEnabled } from "./etcd-errors.ts";
import { fullHeader, type Member, raftTerm } from "./header.ts";
import type { Store } from "./store.ts";

/** The etcd whose API this is. */
const version = "3.6.5";

/** `etcdserverpb.Cluster`: a cluster of one. */
export function clusterService(store: Store, member: Member, address: () => string): Implementation<typeof Cluster> {
  return {
    memberList: () => ({
      header: fullHeader(member, store.revision),
      members: [{ ID: member.memberId, name: "trunkline-dev", clientURLs: [`http://${address()}`] }],
    }),
  };
}

/** What of `etcdserverpb.Maintenance` health checks ask for. */
export function maintenanceService(store: Store, member: Member): Implementation<typeof Maintenance> {
  return {
    alarm: () => ({ header: fullHeader(member, store.revision), alarms: [] }),
    status: () => ({
      header: fullHeader(member, store.revision),
      version,
      dbSize: store.bytes,
      dbSizeInUse: store.bytes,
      leader: member.memberId,
      raftTerm,
      raftIndex: store.revision,
      raftAppliedIndex: store.revision,
    }),
  };
}

/** `etcdserverpb.Auth`: there are no users here. */
export const authService: Implementation<typeof Auth> = {
  authenticate() {
    throw authNotEnabled();
  },
};
