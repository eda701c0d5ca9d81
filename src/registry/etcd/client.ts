import type { ICompare, IKeyValue, IRangeRequest, IRequestOp, IResponseHeader } from "etcd3";
import { connect } from "./connect.ts";
import type { EtcdSettings } from "./settings.ts";
import { openWatch } from "./watch.ts";

/** All keys below a prefix (`""` is every key), or one key. */
export type KeyRange = { readonly prefix: string } | { readonly key: string };

/** A key as it stands in etcd. */
export interface Entry {
  readonly key: string;
  readonly value: string;
  readonly modRevision: string;
  /** The lease that it stands under, in decimal; `0` is none. */
  readonly leaseId: string;
}

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
  /** True where there were more than `maxEntries`. */
  readonly truncated: boolean;
}

export interface Put {
  readonly key: string;
  readonly value: string;
  /** The revision that the key must still have, `"0"` where it must not exist; whatever it is where undefined. */
  readonly expected?: string | undefined;
}

/** The keys of one range that are read; beyond them a service is listed in part. */
export const maxEntries = 20_000;
/** etcd takes 128 operations in a transaction by default. */
const maxOperations = 128;

/** What registrations and resolvers need of etcd. Every promise rejects within `callTimeoutMs` a host. */
export interface EtcdClient {
  /** Reads ranges at one revision. */
  read(ranges: readonly KeyRange[]): Promise<Listing>;
  /** Reads a range in pages, for what may be large. */
  scan(range: { readonly prefix: string }): AsyncIterable<Entry>;
  /**
   * Puts keys under a lease, all of them in one transaction (128 at a time). False where a key was not as expected.
   */
  put(puts: readonly Put[], leaseId: string): Promise<{ readonly done: boolean; readonly replaced: readonly Entry[] }>;
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
  readonly changed: (changes: readonly Change[], revision: bigint) => void;
}

export function createClient(settings: EtcdSettings): EtcdClient {
  const { namespace, callTimeoutMs } = settings;
  const { etcd, withLogin, onEachHost } = connect(settings);
  const keyOf = (key: string) => Buffer.from(namespace + key);
  const entryOf = (kv: IKeyValue): Entry => ({
    key: kv.key.toString().slice(namespace.length),
    value: kv.value.toString(),
    modRevision: kv.mod_revision,
    leaseId: kv.lease,
  });
  const rangeOf = (range: KeyRange): { key: Buffer; range_end?: Buffer } => {
    if ("key" in range) return { key: keyOf(range.key) };
    const prefix = keyOf(range.prefix);
    return prefix.length === 0
      ? { key: Buffer.of(0), range_end: Buffer.of(0) }
      : { key: prefix, range_end: after(prefix) };
  };

  return {
    async read(ranges) {
      const success = ranges.map((range) => ({ request_range: { ...rangeOf(range), limit: maxEntries } }));
      const { header, responses } = await withLogin(() => etcd.kv.txn({ success }));
      const lists = responses.map(({ response_range }) => response_range);
      return {
        ...positionOf(header),
        entries: lists.flatMap(({ kvs }) => kvs.map(entryOf)),
        truncated: lists.some(({ more }) => more),
      };
    },

    async *scan(range) {
      let next: IRangeRequest = { ...rangeOf(range), limit: 1_000 };
      for (;;) {
        const { kvs, more } = await withLogin(() => etcd.kv.range(next));
        yield* kvs.map(entryOf);
        const last = kvs.at(-1);
        if (!more || last === undefined) return;
        next = { ...next, key: Buffer.concat([last.key, Buffer.of(0)]) };
      }
    },

    async put(puts, leaseId) {
      const replaced: Entry[] = [];
      for (let at = 0; at < puts.length; at += maxOperations) {
        const some = puts.slice(at, at + maxOperations);
        const compare = some
          .filter(({ expected }) => expected !== undefined)
          .map((put) => unchanged(keyOf(put.key), put));
        const success: IRequestOp[] = some.map(({ key, value }) => ({
          request_put: { key: keyOf(key), value: Buffer.from(value), lease: leaseId, prev_kv: true },
        }));
        const { succeeded, responses } = await withLogin(() => etcd.kv.txn({ compare, success }));
        if (!succeeded) return { done: false, replaced };
        for (const { response_put } of responses) {
          if (response_put.prev_kv) replaced.push(entryOf(response_put.prev_kv));
        }
      }
      return { done: true, replaced };
    },

    async grant(ttlSeconds) {
      const { ID, TTL } = await withLogin(() => etcd.leaseClient.leaseGrant({ TTL: ttlSeconds }));
      return { leaseId: ID, ttlSeconds: Number(TTL) };
    },

    renew: (leaseId) =>
      withLogin(() =>
        onEachHost(async () => {
          const stream = await etcd.leaseClient.leaseKeepAlive({ deadline: Date.now() + callTimeoutMs });
          return new Promise<number>((resolve, reject) => {
            stream.on("data", ({ TTL }) => {
              resolve(Number(TTL));
              stream.end();
            });
            stream.on("error", reject);
            stream.on("end", () => reject(new Error("etcd ended the renewal of a lease without an answer")));
            stream.write({ ID: leaseId });
          });
        }),
      ),

    async revoke(leaseId) {
      try {
        await withLogin(() => etcd.leaseClient.leaseRevoke({ ID: leaseId }));
      } catch (error) {
        if (!isLeaseGone(error)) throw error;
      }
    },

    watch: (ranges, { fromRevision, forMs, signal, changed }) =>
      withLogin(async () =>
        openWatch(await etcd.watchClient.watch(), {
          requests: ranges.map((range) => ({ ...rangeOf(range), start_revision: `${fromRevision}` })),
          confirmMs: callTimeoutMs,
          forMs,
          signal,
          received: ({ events, header }) => {
            const changes = events.map(({ type, kv }) => {
              const entry = entryOf(kv);
              return { key: entry.key, entry: type === "Delete" ? undefined : entry };
            });
            changed(changes, BigInt(header.revision));
          },
        }),
      ),

    close: () => etcd.close(),
  };
}

/** True where etcd says that it has no such lease. */
export function isLeaseGone(error: unknown): boolean {
  return error instanceof Error && /requested lease not found|is expired or revoked/.test(error.message);
}

function unchanged(key: Buffer, { expected = "0" }: Put): ICompare {
  // The revision of the last change is 0 for a key that is not there.
  return { key, result: "Equal", target: "Mod", mod_revision: expected };
}

function positionOf({ cluster_id, revision }: IResponseHeader): Position {
  return { clusterId: cluster_id, revision: BigInt(revision) };
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
