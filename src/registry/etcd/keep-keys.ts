import { createBackoff } from "./backoff.ts";
import type { Claim } from "./claim.ts";
import type { EtcdClient } from "./client.ts";
import { follow } from "./follow.ts";
import { isLeaseGone } from "./wire.ts";

export interface KeepKeysOptions {
  readonly client: EtcdClient;
  readonly claim: Claim;
  readonly leaseId: string;
  readonly relistMs: number;
  readonly signal: AbortSignal;
  /** The keys stand. */
  readonly restored: () => void;
  /** Called at each attempt that failed. */
  readonly failed: (error: unknown) => void;
}

/**
 * Puts a claim's keys under a lease and puts back what is deleted or overwritten. Resolves when etcd says that the lease
 * is gone, or when the signal aborts. Never rejects.
 */
export function keepKeys(options: KeepKeysOptions): Promise<void> {
  const { client, claim, leaseId, relistMs, signal, restored, failed } = options;
  const backoff = createBackoff();
  const leaseGone = Promise.withResolvers<void>();
  let wanted = false;
  let working = false;

  /** One at a time; a wish that comes meanwhile is fulfilled afterwards. */
  const restore = async () => {
    wanted = true;
    if (working) return;
    working = true;
    while (wanted && !signal.aborted) {
      wanted = false;
      try {
        await claim.restore(leaseId);
        restored();
        backoff.reset();
      } catch (error) {
        if (signal.aborted) break;
        failed(error);
        if (isLeaseGone(error)) {
          leaseGone.resolve();
          break;
        }
        wanted = true;
        await backoff.wait(signal);
      }
    }
    working = false;
  };

  const followed = restore().then(() =>
    follow({
      client,
      ranges: claim.keys(leaseId).map(({ key }) => ({ key })),
      relistMs,
      signal,
      listed({ entries }) {
        const there = new Map(entries.map((entry) => [entry.key, entry]));
        const changes = claim.keys(leaseId).map(({ key }) => ({ key, entry: there.get(key) }));
        if (claim.isDisturbedBy(changes, leaseId)) void restore();
      },
      changed(changes) {
        if (claim.isDisturbedBy(changes, leaseId)) void restore();
      },
      // The lease is renewed over the same connections, and says so when they fail.
      lost: () => {},
      broken: () => {},
    }),
  );
  return Promise.race([followed, leaseGone.promise]);
}
