import { noSpace, requestTooLarge } from "./etcd-errors.ts";
import type { Store } from "./store.ts";

export interface RoomOptions {
  /** Bytes of keys and values that are held, their history included; 256 MiB by default. */
  readonly maxBytes?: number | undefined;
  /** Changes that the history holds; 100,000 by default. Beyond them its older half is compacted. */
  readonly maxChanges?: number | undefined;
  /** The largest write in bytes; 1.5 MiB by default, as etcd's. */
  readonly maxRequestBytes?: number | undefined;
}

export const defaultMaxRequestBytes: number = 1.5 * 1024 * 1024;

/** Keeps the store within bounds. The returned function is asked before each write, with its bytes. */
export function keepRoom(store: Store, options: RoomOptions): (requestBytes: number) => void {
  const { maxBytes = 256 * 1024 * 1024, maxChanges = 100_000, maxRequestBytes = defaultMaxRequestBytes } = options;

  store.onWrite(() => {
    if (store.changes > maxChanges) store.compact(store.revisionOfLast(Math.ceil(maxChanges / 2)));
  });

  return (requestBytes) => {
    if (requestBytes > maxRequestBytes) throw requestTooLarge();
    if (store.bytes + requestBytes <= maxBytes) return;
    if (store.compactRevision < store.revision) store.compact(store.revision);
    if (store.bytes + requestBytes > maxBytes) throw noSpace();
  };
}
