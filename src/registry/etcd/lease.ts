import { createBackoff, sleep } from "./backoff.ts";
import type { EtcdClient } from "./client.ts";

export interface KeepLeaseOptions {
  readonly client: EtcdClient;
  readonly leaseId: string;
  readonly ttlSeconds: number;
  readonly signal: AbortSignal;
  readonly renewed: () => void;
  /** Called at each attempt that failed. */
  readonly failed: (error: unknown) => void;
}

/**
 * Renews a lease three times in its life. Resolves when etcd says that it no longer has it, and not before: an etcd that
 * was away may still have it when it is back. Resolves too when the signal aborts. Never rejects.
 */
export async function keepLease(options: KeepLeaseOptions): Promise<void> {
  const { client, leaseId, ttlSeconds, signal, renewed, failed } = options;
  const backoff = createBackoff();
  await sleep((ttlSeconds * 1_000) / 3, signal);
  while (!signal.aborted) {
    try {
      if ((await client.renew(leaseId)) <= 0) return;
      renewed();
      backoff.reset();
      await sleep((ttlSeconds * 1_000) / 3, signal);
    } catch (error) {
      if (signal.aborted) return;
      failed(error);
      await backoff.wait(signal);
    }
  }
}
