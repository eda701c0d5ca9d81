import { now } from "../../core/deadline.ts";
import { createBackoff } from "./backoff.ts";
import type { Change, EtcdClient, Listing, Position } from "./client.ts";
import type { KeyRange } from "./keys.ts";
import { NoWire } from "./wire.ts";

export interface FollowOptions {
  readonly client: EtcdClient;
  readonly ranges: readonly KeyRange[];
  readonly relistMs: number;
  readonly signal: AbortSignal;
  /**
   * Everything in the ranges. `lostData` says why this etcd cannot be trusted to be the one it was, if so. The watch
   * begins when it has resolved.
   */
  readonly listed: (listing: Listing, lostData: string | undefined) => void | Promise<void>;
  /** No more is read of the watch until it has resolved. */
  readonly changed: (changes: readonly Change[]) => void | Promise<void>;
  /** The ranges could not be listed: what is known is no longer known to be so. Called at each attempt. */
  readonly lost: (error: unknown) => void;
  /** A watch broke; a list follows. */
  readonly broken: (error: unknown) => void;
}

/** A watch that held for this long was a good one: the next list comes at once. */
const goodWatchMs = 10_000;

/**
 * Follows what stands in some ranges until the signal aborts: lists them, watches from the next revision on, and
 * lists again when the watch breaks, is compacted, or has lasted for `relistMs` (more or less a fifth). Where watching
 * fails and listing works, it goes on by listing every few seconds. Never rejects; ends by itself only where there is no
 * wire to ask by.
 */
export async function follow(options: FollowOptions): Promise<void> {
  const { client, ranges, relistMs, signal, listed, changed, lost, broken } = options;
  const backoff = createBackoff();
  let position: Position | undefined;
  while (!signal.aborted) {
    try {
      const listing = await client.read(ranges);
      if (signal.aborted) return;
      await listed(listing, lostDataSince(position, listing));
      if (signal.aborted) return;
      position = listing;
    } catch (error) {
      if (signal.aborted) return;
      lost(error);
      if (error instanceof NoWire) return;
      await backoff.wait(signal);
      continue;
    }
    const { clusterId, revision } = position;
    const startedAt = now();
    try {
      await client.watch(ranges, {
        fromRevision: revision + 1n,
        forMs: relistMs * (0.8 + 0.4 * Math.random()),
        signal,
        changed(changes, at) {
          position = { clusterId, revision: at };
          return changed(changes);
        },
      });
      backoff.reset();
    } catch (error) {
      if (signal.aborted) return;
      broken(error);
      if (now() - startedAt > goodWatchMs) backoff.reset();
      await backoff.wait(signal);
    }
  }
}

/**
 * The revision of an etcd only grows, and reads are linearizable: one that is behind where it was has been wiped or
 * restored from a backup, and so has one with another id.
 */
function lostDataSince(before: Position | undefined, { clusterId, revision }: Position): string | undefined {
  if (before === undefined) return undefined;
  if (clusterId !== before.clusterId) return `etcd is another cluster (${clusterId}, it was ${before.clusterId})`;
  if (revision < before.revision) return `etcd has lost data (revision ${revision}, it was at ${before.revision})`;
  return undefined;
}
