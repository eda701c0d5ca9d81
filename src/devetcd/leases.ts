import { randomBytes } from "node:crypto";
import { type Clock, systemClock } from "../core/clock.ts";
import { leaseExists, leaseNotFound, leaseTtlTooLarge, tooManyRequests } from "./etcd-errors.ts";
import { boundedRange, bytesOf, type Key } from "./key-range.ts";
import type { Store } from "./store.ts";

/** A lease as it stands. */
export interface LeaseState {
  readonly id: bigint;
  /** Seconds that it was granted for, and that a renewal gives it again. */
  readonly ttlSeconds: bigint;
  /** Whole seconds left. */
  readonly remainingSeconds: bigint;
  /** The keys under it, in order. */
  readonly keys: readonly Key[];
}

/** Leases, and the keys under each: when a lease ends, its keys are deleted in one revision. */
export interface Leases {
  has(id: bigint): boolean;
  get(id: bigint): LeaseState | undefined;
  /** The ids, those that end first in front. */
  list(): bigint[];
  /** @throws RpcError when the id is taken, the time too long, or there are too many */
  grant(id: bigint, ttlSeconds: bigint): LeaseState;
  /** @throws RpcError when there is no such lease */
  revoke(id: bigint): void;
  /** @returns the seconds it has now; 0 where there is no such lease */
  renew(id: bigint): bigint;
  /** Stops the clock: no lease ends any more. */
  close(): void;
}

export interface LeasesOptions {
  /** Seconds that a shorter lease is raised to; 2 by default, as in an etcd with its default election timeout. */
  readonly minLeaseTtlSeconds?: number | undefined;
  /** 100,000 by default. */
  readonly maxLeases?: number | undefined;
  readonly clock?: Clock | undefined;
}

interface Lease {
  readonly id: bigint;
  readonly ttlSeconds: bigint;
  readonly keys: Set<Key>;
  /** On the clock. */
  endsAt: number;
}

/** etcd's MaxLeaseTTL. */
const maxTtlSeconds = 9_000_000_000n;
/** The longest that a timer can wait; a longer lease is looked at again then. */
const maxTimerMs = 2 ** 31 - 1;

export function createLeases(store: Store, options: LeasesOptions = {}): Leases {
  const { minLeaseTtlSeconds = 2, maxLeases = 100_000, clock = systemClock } = options;
  const leases = new Map<bigint, Lease>();
  const leaseOf = new Map<Key, Lease>();
  let wakesAt = Number.POSITIVE_INFINITY;
  let cancelTimer = (): void => {};

  const stopListening = store.onWrite((changes) => {
    for (const { key, kv } of changes) {
      leaseOf.get(key)?.keys.delete(key);
      leaseOf.delete(key);
      const lease = leases.get(kv.lease);
      if (lease === undefined) continue;
      lease.keys.add(key);
      leaseOf.set(key, lease);
    }
  });

  function end(lease: Lease): void {
    leases.delete(lease.id);
    store.write((write) => {
      for (const key of [...lease.keys].sort()) write.delete(boundedRange(bytesOf(key), new Uint8Array()));
    });
  }

  function endExpired(): void {
    wakesAt = Number.POSITIVE_INFINITY;
    const now = clock.now();
    for (const lease of [...leases.values()]) {
      if (lease.endsAt <= now) end(lease);
      else wakeAt(lease.endsAt);
    }
  }

  /** A renewed lease leaves its timer be: it fires early, and finds when to fire next. */
  function wakeAt(time: number): void {
    if (time >= wakesAt) return;
    cancelTimer();
    wakesAt = time;
    cancelTimer = clock.setTimeout(endExpired, Math.min(Math.max(0, time - clock.now()), maxTimerMs));
  }

  function prolong(lease: Lease): void {
    lease.endsAt = clock.now() + Number(lease.ttlSeconds) * 1_000;
    wakeAt(lease.endsAt);
  }

  function state({ id, ttlSeconds, keys, endsAt }: Lease): LeaseState {
    const remainingSeconds = BigInt(Math.trunc(Math.max(0, endsAt - clock.now()) / 1_000));
    return { id, ttlSeconds, remainingSeconds, keys: [...keys].sort() };
  }

  function freeId(): bigint {
    const id = randomBytes(8).readBigInt64BE() & 0x7fff_ffff_ffff_ffffn;
    return id === 0n || leases.has(id) ? freeId() : id;
  }

  return {
    has: (id) => leases.has(id),
    get(id) {
      const lease = leases.get(id);
      return lease && state(lease);
    },
    list: () => [...leases.values()].sort((a, b) => a.endsAt - b.endsAt).map(({ id }) => id),
    grant(id, ttlSeconds) {
      if (ttlSeconds > maxTtlSeconds) throw leaseTtlTooLarge();
      if (leases.has(id)) throw leaseExists();
      if (leases.size >= maxLeases) throw tooManyRequests();
      const granted = ttlSeconds < minLeaseTtlSeconds ? BigInt(minLeaseTtlSeconds) : ttlSeconds;
      const lease: Lease = { id: id === 0n ? freeId() : id, ttlSeconds: granted, keys: new Set(), endsAt: 0 };
      leases.set(lease.id, lease);
      prolong(lease);
      return state(lease);
    },
    revoke(id) {
      const lease = leases.get(id);
      if (lease === undefined) throw leaseNotFound();
      end(lease);
    },
    renew(id) {
      const lease = leases.get(id);
      if (lease === undefined) return 0n;
      if (lease.endsAt <= clock.now()) {
        endExpired(); // The timer is late, and what is over cannot be renewed.
        return 0n;
      }
      prolong(lease);
      return lease.ttlSeconds;
    },
    close() {
      stopListening();
      cancelTimer();
    },
  };
}
