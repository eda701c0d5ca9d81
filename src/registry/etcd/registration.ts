import { now } from "../../core/deadline.ts";
import type { Facts } from "../../core/facts.ts";
import type { Announcement, Registration } from "../registry.ts";
import { createBackoff, sleep } from "./backoff.ts";
import { createClaim } from "./claim.ts";
import type { EtcdClient } from "./client.ts";
import { describe } from "./describe.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { keepKeys } from "./keep-keys.ts";
import { keepLease } from "./lease.ts";
import { createStanding } from "./standing.ts";
import { NoWire } from "./wire.ts";

export interface RegisterOptions {
  readonly client: EtcdClient;
  readonly dialects: readonly Dialect[];
  readonly ttlSeconds: number;
  readonly relistMs: number;
  readonly facts: Facts;
}

const defaultCloseMs = 2_000;
/** Leases that are lost sooner are granted again ever more slowly. */
const shortestGoodLeaseMs = 1_000;

/**
 * Keeps an announcement in etcd until it is closed: grants a lease, puts the keys under it, renews the lease and puts
 * back what disappears; and when etcd no longer has the lease, all of it again, for ever.
 */
export function register(announcement: Announcement, options: RegisterOptions): Registration {
  const { client, ttlSeconds, relistMs, facts } = options;
  const { services, endpoint } = announcement;
  const closing = new AbortController();
  const givenUp = new AbortController();
  const registered = Promise.withResolvers<void>();
  const standing = createStanding(facts, { services, address: endpoint.address });
  const claim = createClaim(announcement, options);
  let leaseId: string | undefined;

  // Who does not ask for it is told by the log.
  registered.promise.catch(() => {});
  const ended = run();
  return {
    registered: registered.promise,
    async close(timeoutMs = defaultCloseMs) {
      closing.abort();
      registered.resolve();
      const timeout = new AbortController();
      await Promise.race([ended, sleep(timeoutMs, timeout.signal)]);
      timeout.abort();
      givenUp.abort();
    },
  };

  async function run(): Promise<void> {
    const backoff = createBackoff();
    while (!closing.signal.aborted) {
      try {
        const lease = await client.grant(ttlSeconds);
        leaseId = lease.leaseId;
        const grantedAt = now();
        await hold(lease.leaseId, lease.ttlSeconds);
        if (closing.signal.aborted) break;
        standing.failing("etcd no longer has its lease");
        leaseId = undefined;
        if (now() - grantedAt > shortestGoodLeaseMs) backoff.reset();
      } catch (error) {
        if (error instanceof NoWire) return giveUp(error);
        standing.failing(describe(error));
      }
      await backoff.wait(closing.signal);
    }
    await release();
  }

  function giveUp(error: NoWire): void {
    facts.on["registration-impossible"]?.({ services, address: endpoint.address, reason: error.message });
    registered.reject(error);
  }

  /** Resolves when the lease is gone, or when this is to close. */
  async function hold(id: string, grantedSeconds: number): Promise<void> {
    const over = new AbortController();
    const end = () => over.abort();
    closing.signal.addEventListener("abort", end);
    if (closing.signal.aborted) end();
    let standsThere = false;
    const failed = (error: unknown) => standing.failing(describe(error));
    const lease = keepLease({
      client,
      leaseId: id,
      ttlSeconds: grantedSeconds,
      signal: over.signal,
      renewed: () => standsThere && standing.well(id),
      failed,
    });
    const restored = () => {
      standsThere = true;
      standing.well(id);
      registered.resolve();
    };
    const missing = (error: unknown) => {
      standsThere = false;
      failed(error);
    };
    const keys = keepKeys({ client, claim, leaseId: id, relistMs, signal: over.signal, restored, failed: missing });
    await Promise.race([lease, keys]);
    end();
    closing.signal.removeEventListener("abort", end);
  }

  /** Takes the keys out with their lease. Where etcd is away, the lease runs out by itself. */
  async function release(): Promise<void> {
    const backoff = createBackoff();
    while (leaseId !== undefined && !givenUp.signal.aborted) {
      try {
        await client.revoke(leaseId);
        facts.on["registration-ended"]?.({ services, address: endpoint.address });
        return;
      } catch (error) {
        facts.on["registration-lingers"]?.({ address: endpoint.address, reason: describe(error) });
        await backoff.wait(givenUp.signal);
      }
    }
  }
}
