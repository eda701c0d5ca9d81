import { batches } from "./batches.ts";
import { createKeys, type Entry, type KeyRange } from "./keys.ts";
import { pages } from "./pages.ts";
import type { EtcdWire } from "./wire.ts";

/** A key that was put, or with `entry` undefined deleted. */
export interface Change {
  readonly key: string;
  readonly entry: Entry | undefined;
}

/** Where in its history an etcd is. */
export interface Position {
  readonly clusterId: string;
  readonly revision: bigint;
}

export interface Listing extends Position {
  readonly entries: readonly Entry[];
  /** True where there was more than `maxEntries` or `maxListedBytes`. */
  readonly truncated: boolean;
}

export interface ScannedPage {
  readonly entries: readonly Entry[];
  /** What etcd sent, what is not looked at of it among it. */
  readonly bytes: number;
}

export interface Put {
  readonly key: string;
  readonly value: string;
  /** The revision that the key must still have, `"0"` where it must not exist. */
  readonly expected: string;
}

/** The keys of one list that are read; beyond them a service is listed in part. */
export const maxEntries = 100_000;
/** The bytes of keys and values that are held of one list. */
export const maxListedBytes: number = 64 * 1024 * 1024;

/** What an entry is of `maxListedBytes`. */
export function sizeOf({ key, value }: Entry): number {
  return key.length + value.length;
}

/** What registrations and resolvers need of etcd. Every promise rejects within `callTimeoutMs` a host. */
export interface EtcdClient {
  /** Reads ranges at one revision. */
  read(ranges: readonly KeyRange[]): Promise<Listing>;
  /** Reads a range in pages, for what may be large. */
  scan(range: KeyRange): AsyncIterable<ScannedPage>;
  /**
   * Puts keys under a lease, in one transaction as far as etcd takes it. False where a key was not as expected, and also
   * where etcd was asked twice and has put them already: look again.
   */
  put(puts: readonly Put[], leaseId: string): Promise<boolean>;
  /** The seconds that etcd granted may be more than those asked for. */
  grant(ttlSeconds: number): Promise<{ readonly leaseId: string; readonly ttlSeconds: number }>;
  /** Resolves to the seconds left; 0 where etcd has no such lease. */
  renew(leaseId: string): Promise<number>;
  /** A lease that is already gone is fine. */
  revoke(leaseId: string): Promise<void>;
  /**
   * Reports changes from a revision on. Resolves after `forMs` or when the signal aborts; rejects when the watch broke.
   */
  watch(ranges: readonly KeyRange[], options: WatchOptions): Promise<void>;
  close(): void;
}

export interface WatchOptions {
  readonly fromRevision: bigint;
  readonly forMs: number;
  readonly signal: AbortSignal;
  /** No more is read of the watch until it has resolved. */
  readonly changed: (changes: readonly Change[], revision: bigint) => void | Promise<void>;
}

/** What stands in etcd below a namespace, in our own words. */
export function createClient(wire: EtcdWire, namespace: string): EtcdClient {
  const { toWire, rangeToWire, entryOf } = createKeys(namespace);

  return {
    async read(ranges) {
      const entries: Entry[] = [];
      let position: Position = { clusterId: "0", revision: 0n };
      let bytes = 0;
      for await (const { clusterId, revision, stored } of pages(wire, ranges.map(rangeToWire))) {
        position = { clusterId: `${clusterId}`, revision };
        for (const each of stored) {
          const entry = entryOf(each);
          bytes += sizeOf(entry);
          if (entries.length >= maxEntries || bytes > maxListedBytes) return { ...position, entries, truncated: true };
          entries.push(entry);
        }
      }
      return { ...position, entries, truncated: false };
    },

    async *scan(range) {
      for await (const { stored } of pages(wire, [rangeToWire(range)])) {
        const bytes = stored.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
        yield { entries: stored.map(entryOf), bytes };
      }
    },

    async put(puts, leaseId) {
      const raw = puts.map(({ key, value, expected }) => ({
        key: toWire(key),
        value: Buffer.from(value),
        expected: BigInt(expected),
      }));
      for (const some of batches(raw, ({ key, value }) => key.length + value.length)) {
        if (!(await wire.put(some, leaseId))) return false;
      }
      return true;
    },

    grant: (ttlSeconds) => wire.grant(ttlSeconds),
    renew: (leaseId) => wire.renew(leaseId),
    revoke: (leaseId) => wire.revoke(leaseId),

    watch: (ranges, { changed, ...options }) =>
      wire.watch({
        ...options,
        ranges: ranges.map(rangeToWire),
        received(events, revision) {
          const changes = events.map(({ deleted, stored }) => {
            const entry = entryOf(stored);
            return { key: entry.key, entry: deleted ? undefined : entry };
          });
          return changed(changes, revision);
        },
      }),

    close: () => wire.close(),
  };
}
