import type { Stored, WireRange } from "./wire.ts";

/** All keys below a prefix (`""` is every key), or one key. */
export type KeyRange = { readonly prefix: string } | { readonly key: string };

/** A key as it stands in etcd. */
export interface Entry {
  /** No more than its first `maxKeyBytes`. */
  readonly key: string;
  /** Empty where `tooLong` says so. */
  readonly value: string;
  /** What is longer than what is looked at, in a few words. */
  readonly tooLong?: string | undefined;
  /** The revision of etcd in which it was written last. */
  readonly modRevision: string;
  /** The lease that it stands under, in decimal; `0` is none. */
  readonly leaseId: string;
}

/** The longest key that is looked at, in bytes. */
const maxKeyBytes = 4 * 1024;
/** The longest value that is looked at, in bytes: what a server announces of itself needs no more. */
export const maxValueBytes: number = 64 * 1024;

/** Between keys as they are used here and keys as etcd has them, with the namespace before them. */
export interface Keys {
  toWire(key: string): Buffer;
  rangeToWire(range: KeyRange): WireRange;
  entryOf(stored: Stored): Entry;
}

export function createKeys(namespace: string): Keys {
  const toWire = (key: string) => Buffer.from(namespace + key);
  return {
    toWire,
    rangeToWire(range) {
      if ("key" in range) return { key: toWire(range.key), rangeEnd: undefined };
      const prefix = toWire(range.prefix);
      // From a zero byte to a zero byte is every key, for etcd.
      return prefix.length === 0
        ? { key: Buffer.of(0), rangeEnd: Buffer.of(0) }
        : { key: prefix, rangeEnd: after(prefix) };
    },
    entryOf({ key, value, modRevision, leaseId }) {
      const tooLong = longer("key", key, maxKeyBytes) ?? longer("value", value, maxValueBytes);
      return {
        key: textOf(key.subarray(0, maxKeyBytes)).slice(namespace.length),
        value: tooLong === undefined ? textOf(value) : "",
        modRevision: `${modRevision}`,
        leaseId: `${leaseId}`,
        ...(tooLong === undefined ? {} : { tooLong }),
      };
    },
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

function longer(what: string, { length }: Uint8Array, most: number): string | undefined {
  return length <= most ? undefined : `its ${what} has ${length} bytes; ${most} are read`;
}

function textOf({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString();
}
