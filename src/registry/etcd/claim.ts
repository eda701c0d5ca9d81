import type { Facts } from "../../core/facts.ts";
import { endpointOf } from "../announcement.ts";
import type { Announcement } from "../registry.ts";
import type { Change, EtcdClient } from "./client.ts";
import type { Dialect, KeyValue } from "./dialects/dialect.ts";
import type { Entry } from "./keys.ts";

export interface ClaimOptions {
  readonly client: EtcdClient;
  readonly dialects: readonly Dialect[];
  readonly facts: Facts;
}

/**
 * A server's hold on its keys. Where two servers announce one address, the later one stands: the earlier leaves the key
 * alone while the other has it and puts it back when it is gone. Neither can take the other's key away with its lease,
 * since a key belongs to the lease it was last put under.
 */
export interface Claim {
  /** The keys under this lease. */
  keys(leaseId: string): readonly KeyValue[];
  /** Puts what is missing. The first time it takes every key, whoever has it. */
  restore(leaseId: string): Promise<void>;
  /** True where these changes leave a key to be put back, or to be looked at. */
  isDisturbedBy(changes: readonly Change[], leaseId: string): boolean;
}

export function createClaim(announcement: Announcement, { client, dialects, facts }: ClaimOptions): Claim {
  const { services, endpoint } = announcement;
  /** The lease of the last restore and the one before: what stands under them is ours. */
  let leases: readonly string[] = [];
  let isTaken = false;
  /** The keys that others hold, and under which lease, so that each is told of once. */
  const held = new Map<string, string>();

  const keys = (leaseId: string) => {
    const all = new Map<string, KeyValue>();
    for (const service of services) {
      for (const dialect of dialects) {
        const record = dialect.write(service, endpointOf(announcement, service), leaseId);
        all.set(record.key, record);
      }
    }
    return [...all.values()];
  };

  const tellOthers = (entries: readonly Entry[]) => {
    for (const { key, leaseId } of entries) {
      if (held.get(key) === leaseId) continue;
      held.set(key, leaseId);
      facts.on["address-contested"]?.({ key, leaseId, address: endpoint.address, yielded: isTaken });
    }
  };

  const isOurs = ({ leaseId }: Entry) => leases.includes(leaseId);

  /** True when every key stands as it should; false where it has to be looked at again. */
  const put = async (leaseId: string, records: readonly KeyValue[], present: ReadonlyMap<string, Entry>) => {
    // The revision makes it safe for a put to come twice or late: it never undoes what another server did meanwhile.
    const puts = records.map((record) => ({ ...record, expected: present.get(record.key)?.modRevision ?? "0" }));
    return puts.length === 0 || (await client.put(puts, leaseId));
  };

  const restoreOnce = async (leaseId: string) => {
    const records = keys(leaseId);
    const { entries } = await client.read(records.map(({ key }) => ({ key })));
    const present = new Map(entries.map((entry) => [entry.key, entry]));
    const others = entries.filter((entry) => !isOurs(entry));
    tellOthers(others);
    const missing = records.filter(({ key, value }) => {
      const entry = present.get(key);
      if (entry === undefined) return true;
      return isOurs(entry) ? !(entry.leaseId === leaseId && entry.value === value) : !isTaken;
    });
    const done = await put(leaseId, missing, present);
    if (done) for (const { key } of missing) held.delete(key);
    return done;
  };

  return {
    keys,
    async restore(leaseId) {
      leases = [...new Set([leaseId, ...leases])].slice(0, 2);
      // False says that a key has changed since it was read. Somebody else is at work, so there is no end to expect soon.
      for (let attempts = 0; attempts < 10; attempts++) {
        if (!(await restoreOnce(leaseId))) continue;
        isTaken = true;
        return;
      }
      throw new Error(`the keys of ${endpoint.address} change too fast to put them back`);
    },
    isDisturbedBy(changes, leaseId) {
      const values = new Map(keys(leaseId).map(({ key, value }) => [key, value]));
      return changes.some(({ key, entry }) => entry?.leaseId !== leaseId || entry.value !== values.get(key));
    },
  };
}
