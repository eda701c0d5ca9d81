/** A key and what stands in it, as etcd has them. */
export interface Stored {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly modRevision: bigint;
  /** 0 is none. */
  readonly leaseId: bigint;
}

/** Keys from one on; without an end that key alone. */
export interface WireRange {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array | undefined;
}

export interface WireRead {
  readonly ranges: readonly WireRange[];
  /** Keys of each range at most. */
  readonly limit: number;
  /** 0 is now. */
  readonly revision: bigint;
}

export interface WireLists {
  readonly clusterId: bigint;
  readonly revision: bigint;
  /** One for each range. */
  readonly lists: readonly { readonly stored: readonly Stored[]; readonly more: boolean }[];
}

export interface WirePut {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** The revision that the key must still have; 0 where it must not exist. */
  readonly expected: bigint;
}

export interface WireWatch {
  readonly ranges: readonly WireRange[];
  readonly fromRevision: bigint;
  /** Milliseconds after which the watch has done its duty. */
  readonly forMs: number;
  readonly signal: AbortSignal;
  /** No more is read until it has resolved. It does not reject. */
  readonly received: (events: readonly WireEvent[], revision: bigint) => void | Promise<void>;
}

export interface WireEvent {
  readonly deleted: boolean;
  readonly stored: Stored;
}

/**
 * A way to ask an etcd of several hosts: the native HTTP/2, or etcd3. It chooses the host, logs in, and gives up a host
 * that does not answer. Every request here may reach etcd twice, or late, and do no more than once.
 */
export interface EtcdWire {
  /** Reads ranges in one transaction. Rejects with what `isTooLarge` knows where the answer is more than it takes. */
  read(request: WireRead): Promise<WireLists>;
  /** Puts all or nothing, under a lease. False where a key was not as expected. */
  put(puts: readonly WirePut[], leaseId: string): Promise<boolean>;
  /** The seconds that etcd granted may be more than those asked for. */
  grant(ttlSeconds: number): Promise<{ readonly leaseId: string; readonly ttlSeconds: number }>;
  /** Resolves to the seconds left; 0 where etcd has no such lease. */
  renew(leaseId: string): Promise<number>;
  revoke(leaseId: string): Promise<void>;
  /** Resolves after `forMs` or when the signal aborts; rejects when the watch broke. */
  watch(options: WireWatch): Promise<void>;
  close(): void;
}

/** There is no wire: what it is made of cannot be loaded, and to try again is no help. */
export class NoWire extends Error {
  override readonly name = "NoWire";
}

/** The largest answer that is taken, in bytes. */
export const maxAnswerBytes: number = 32 * 1024 * 1024;

/** True where an answer had more than `maxAnswerBytes`. etcd itself says that it is exhausted in other words. */
export function isTooLarge(error: unknown): boolean {
  return (
    error instanceof Error && /\d bytes|larger than max/.test(error.message) && !error.message.includes("etcdserver")
  );
}

/** True where etcd says that it has no such lease. */
export function isLeaseGone(error: unknown): boolean {
  return error instanceof Error && /requested lease not found|is expired or revoked/.test(error.message);
}

/** Why etcd cancelled a watch, in a sentence. */
export function describeCancelled(compactRevision: bigint, reason: string): string {
  return compactRevision > 0n
    ? `etcd has compacted the history up to revision ${compactRevision}`
    : `etcd cancelled a watch: ${reason || "no reason given"}`;
}
