import type { IKeyValue } from "etcd3";

/** All keys below a prefix (`""` is every key), or one key. */
export type KeyRange = { readonly prefix: string } | { readonly key: string };

/** A key as it stands in etcd. */
export interface Entry {
  readonly key: string;
  readonly value: string;
  /** The revision of etcd in which it was written last. */
  readonly modRevision: string;
  /** The lease that it stands under, in decimal; `0` is none. */
  readonly leaseId: string;
}

/** Between keys as they are used here and keys as etcd has them, with the namespace before them. */
export interface Keys {
  toWire(key: string): Buffer;
  rangeToWire(range: KeyRange): { key: Buffer; range_end?: Buffer };
  entryOf(kv: IKeyValue): Entry;
}

export function createKeys(namespace: string): Keys {
  const toWire = (key: string) => Buffer.from(namespace + key);
  return {
    toWire,
    rangeToWire(range) {
      if ("key" in range) return { key: toWire(range.key) };
      const prefix = toWire(range.prefix);
      // From a zero byte to a zero byte is every key, for etcd.
      return prefix.length === 0
        ? { key: Buffer.of(0), range_end: Buffer.of(0) }
        : { key: prefix, range_end: after(prefix) };
    },
    entryOf: ({ key, value, mod_revision, lease }) => ({
      key: key.toString().slice(namespace.length),
      value: value.toString(),
      modRevision: mod_revision,
      leaseId: lease,
    }),
  };
}

/** The first key after all that start with this prefix. */
function after(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  for (let last = end.length - 1; last >= 0; last--) {
    const byte = end[last] ?? 0xff;
    if (byte < 0xff) {
      end[last] = byte + 1;
      return end.subarray(0, last + 1);
    }
  }
  return Buffer.of(0);
}
