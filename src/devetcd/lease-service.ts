import type { Lease } from "../../gen/etcd/api/etcdserverpb/rpc.rpc.ts";
import type { Implementation } from "../server/implementation.ts";
import { fullHeader, type Member } from "./header.ts";
import { bytesOf } from "./key-range.ts";
import type { Leases } from "./leases.ts";
import type { Store } from "./store.ts";

/** `etcdserverpb.Lease`. */
export function leaseService(store: Store, leases: Leases, member: Member): Implementation<typeof Lease> {
  const header = () => fullHeader(member, store.revision);

  return {
    leaseGrant({ ID, TTL }) {
      const { id, ttlSeconds } = leases.grant(ID, TTL);
      return { header: header(), ID: id, TTL: ttlSeconds };
    },
    leaseRevoke({ ID }) {
      leases.revoke(ID);
      return { header: header() };
    },
    async *leaseKeepAlive(requests) {
      for await (const { ID } of requests) yield { header: header(), ID, TTL: leases.renew(ID) };
    },
    leaseTimeToLive({ ID, keys }) {
      const lease = leases.get(ID);
      if (lease === undefined) return { header: header(), ID, TTL: -1n };
      return {
        header: header(),
        ID,
        TTL: lease.remainingSeconds,
        grantedTTL: lease.ttlSeconds,
        keys: keys ? lease.keys.map(bytesOf) : [],
      };
    },
    leaseLeases: () => ({ header: header(), leases: leases.list().map((ID) => ({ ID })) }),
  };
}
