import type { ICompare, IRangeRequest, IRequestOp, IResponseHeader, ITxnResponse } from "etcd3";
import { batches } from "./batches.ts";
import { connect } from "./connect.ts";
import { createKeys, type Entry, type KeyRange } from "./keys.ts";
import type { EtcdSettings } from "./settings.ts";
import { openWatch } from "./watch.ts";

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

/** What registrations and resolvers need of etcd. Every promise rejects within `callTimeoutMs` a host. */
export interface EtcdClient {
  /** Reads ranges at one revision. */
  read(ranges: readonly KeyRange[]): Promise<Listing>;
  /** Reads a range in pages, for what may be large. */
  scan(range: { readonly prefix: string }): AsyncIterable<Entry>;
  /** Puts keys under a lease, in one transaction as far as etcd takes it. False where a key was not as expected. */
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
  const { callTimeoutMs } = settings;
  const { etcd, withLogin, onEachHost } = connect(settings);
  const { toWire, rangeToWire, entryOf } = createKeys(settings.namespace);

  return {
    async read(ranges) {
      const answers: ITxnResponse[] = [];
      for (const some of batches(ranges)) {
        // All at the revision of the first.
        const revision = answers[0]?.header.revision ?? "0";
        const success = some.map((range) => ({
          request_range: { ...rangeToWire(range), limit: maxEntries, revision },
        }));
        answers.push(await withLogin(() => etcd.kv.txn({ success })));
      }
      const lists = answers.flatMap(({ responses }) => responses.map(({ response_range }) => response_range));
      return {
        ...positionOf(answers[0]?.header),
        entries: lists.flatMap(({ kvs }) => kvs.map(entryOf)),
        truncated: lists.some(({ more }) => more),
      };
    },

    async *scan(range) {
      let next: IRangeRequest = { ...rangeToWire(range), limit: 1_000 };
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
      for (const some of batches(puts, ({ key, value }) => Buffer.byteLength(key) + Buffer.byteLength(value))) {
        const compare = some.filter(({ expected }) => expected !== undefined).map((put) => unchanged(put));
        const success: IRequestOp[] = some.map(({ key, value }) => ({
          request_put: { key: toWire(key), value: Buffer.from(value), lease: leaseId, prev_kv: true },
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
          requests: ranges.map((range) => ({ ...rangeToWire(range), start_revision: `${fromRevision}` })),
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

  function unchanged({ key, expected = "0" }: Put): ICompare {
    // The revision of the last change is 0 for a key that is not there.
    return { key: toWire(key), result: "Equal", target: "Mod", mod_revision: expected };
  }
}

/** True where etcd says that it has no such lease. */
export function isLeaseGone(error: unknown): boolean {
  return error instanceof Error && /requested lease not found|is expired or revoked/.test(error.message);
}

function positionOf(header: IResponseHeader | undefined): Position {
  return { clusterId: header?.cluster_id ?? "0", revision: BigInt(header?.revision ?? 0) };
}
