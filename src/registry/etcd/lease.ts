import { now } from "../../core/deadline.ts";
import { createBackoff, sleep } from "./backoff.ts";
import type { EtcdClient } from "./client.ts";

export interface KeepLeaseOptions {
  readonly client: EtcdClient;
  readonly leaseId: string;
  readonly ttlSeconds: number;
  readonly signal: AbortSignal;
  readonly renewed: () => void;
  /** Called at each attempt that failed while the lease has less than a third of its time left. */
  readonly failed: (error: unknown) => void;
}

const longestPauseMs = 3_000;

/**
 * Renews a lease three times in its life. Resolves when etcd says that it no longer has it, and not before: an etcd that
 * was away may still have it when it is back. Resolves too when the signal aborts. Never rejects.
 */
export async function keepLease(options: KeepLeaseOptions): Promise<void> {
  const { client, leaseId, ttlSeconds, signal, renewed, failed } = options;
  const thirdMs = (ttlSeconds * 1_000) / 3;
  // An election must not be slept through: whoever pauses for longer than a lease has left loses it.
  const backoff = createBackoff({ maxMs: Math.min(longestPauseMs, thirdMs / 2) });
  let renewedAt = now();
  await sleep(thirdMs, signal);
  while (!signal.aborted) {
    try {
      if ((await client.renew(leaseId)) <= 0) return;
      renewedAt = now();
      renewed();
      backoff.reset();
      await sleep(thirdMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      // An election of etcd's takes a second or two: that is nothing to report.
      if (now() - renewedAt > 2 * thirdMs) failed(error);
      await backoff.wait(signal);
    }
  }
}
