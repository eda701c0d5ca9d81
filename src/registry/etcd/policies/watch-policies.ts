import type { PolicyRevision } from "../../../core/policy-source.ts";
import type { PolicyFeed } from "../../policy-feed.ts";
import type { EtcdClient } from "../client.ts";
import { describe } from "../describe.ts";
import { follow } from "../follow.ts";
import type { Entry } from "../keys.ts";
import { keyOf, policyPrefix, readDocument } from "./document.ts";

export interface WatchPoliciesOptions {
  readonly client: EtcdClient;
  readonly feed: PolicyFeed;
  readonly relistMs: number;
  readonly signal: AbortSignal;
}

/**
 * Follows all policies until the signal aborts, and reports those that are valid. One that is not is named by a warning,
 * once, and the one before it stands. While etcd is away, and where it came back without its data, what it said stands.
 */
export function watchPolicies({ client, feed, relistMs, signal }: WatchPoliciesOptions): void {
  let policies = new Map(feed.last?.policies);
  /** The revisions that are not valid, which have been told. */
  const refused = new Map<string, string>();
  let reason: string | undefined;

  void follow({
    client,
    ranges: [{ prefix: policyPrefix }],
    relistMs,
    signal,
    listed({ entries }, lostData) {
      const before = policies;
      policies = new Map(lostData === undefined ? [] : before);
      if (lostData !== undefined && before.size > 0) {
        feed.facts.on["policies-outlived"]?.({ reason: lostData });
      }
      for (const entry of entries) take(entry, before);
      // Who follows looks at nothing where nothing is new.
      if (isSame(before, policies)) policies = before;
      if (reason !== undefined) feed.facts.on["policies-restored"]?.({ policies: policies.size });
      reason = undefined;
      report();
    },
    changed(changes) {
      policies = new Map(policies);
      for (const { key, entry } of changes) {
        if (entry !== undefined) take(entry, policies);
        else policies.delete(key.slice(policyPrefix.length));
      }
      report();
    },
    lost(error) {
      if (reason === undefined) feed.facts.on["policies-lost"]?.({ reason: describe(error) });
      reason = describe(error);
      report();
    },
    broken() {},
  });

  function report(): void {
    feed.report(reason === undefined ? { policies, state: "current" } : { policies, state: "stale", reason });
  }

  function take(entry: Entry, before: ReadonlyMap<string, PolicyRevision>): void {
    const service = entry.key.slice(policyPrefix.length);
    const known = before.get(service);
    if (known?.revision === Number(entry.modRevision)) {
      policies.set(service, known);
      return;
    }
    try {
      policies.set(service, readDocument(service, entry));
      refused.delete(service);
    } catch (error) {
      if (known !== undefined) policies.set(service, known);
      if (refused.get(service) === entry.modRevision) return;
      refused.set(service, entry.modRevision);
      const said = { revision: entry.modRevision, reason: (error as Error).message };
      feed.facts.on["policy-invalid"]?.({ key: keyOf(service), ...said });
    }
  }
}

function isSame<K, V>(one: ReadonlyMap<K, V>, other: ReadonlyMap<K, V>): boolean {
  return one.size === other.size && [...one].every(([key, value]) => other.get(key) === value);
}
