import { Etcd3 } from "etcd3";

export interface StoredKey {
  readonly key: string;
  readonly value: string;
  /** In decimal; `0` is none. */
  readonly leaseId: string;
  readonly modRevision: number;
}

/** Looks into an etcd and meddles with it, past the code under test. */
export interface EtcdKeys {
  /** Every key that starts with this. */
  list(prefix: string): Promise<readonly StoredKey[]>;
  put(key: string, value: string): Promise<void>;
  /** Puts one value under many keys. */
  putAll(keys: readonly string[], value: string): Promise<void>;
  delete(...keys: readonly string[]): Promise<void>;
  deletePrefix(prefix: string): Promise<void>;
  revoke(leaseId: string): Promise<void>;
  /** Compacts everything up to now. */
  compact(): Promise<void>;
  close(): void;
}

export function openEtcdKeys(url: string): EtcdKeys {
  const etcd = new Etcd3({ hosts: url });
  return {
    async list(prefix) {
      const { kvs } = await etcd.getAll().prefix(prefix).exec();
      return kvs.map(({ key, value, lease, mod_revision }) => ({
        key: key.toString(),
        value: value.toString(),
        leaseId: lease,
        modRevision: Number(mod_revision),
      }));
    },
    async put(key, value) {
      await etcd.put(key).value(value);
    },
    async putAll(keys, value) {
      const size = value.length > 1_000 ? 1 : 100;
      for (let from = 0; from < keys.length; from += size) {
        const success = keys.slice(from, from + size).map((key) => ({
          request_put: { key: Buffer.from(key), value: Buffer.from(value) },
        }));
        await etcd.kv.txn({ success });
      }
    },
    async deletePrefix(prefix) {
      await etcd.delete().prefix(prefix);
    },
    async delete(...keys) {
      // One transaction, so that a watch sees them go at once.
      const success = keys.map((key) => ({ request_delete_range: { key: Buffer.from(key) } }));
      await etcd.kv.txn({ success });
    },
    async revoke(leaseId) {
      await etcd.leaseClient.leaseRevoke({ ID: leaseId });
    },
    async compact() {
      const { header } = await etcd.kv.range({ key: Buffer.from("none") });
      await etcd.kv.compact({ revision: header.revision, physical: true });
    },
    close: () => etcd.close(),
  };
}
