import { createFacts, type Facts } from "../core/facts.ts";
import { policyDiff } from "../core/policy-diff.ts";
import type { PolicyRevision, PolicySnapshot } from "../core/policy-source.ts";

/** Those who listen to policies, and what they heard last. */
export interface PolicyFeed {
  readonly size: number;
  readonly facts: Facts;
  readonly last: PolicySnapshot | undefined;
  /** Tells what is known at once, and every later snapshot until the returned function is called. */
  add(listener: (snapshot: PolicySnapshot) => void, facts?: Facts): () => void;
  /** Tells everybody, and as facts what changed, by whom. */
  report(snapshot: PolicySnapshot): void;
}

/** @param own without it those of who listens first are told */
export function createPolicyFeed(own?: Facts): PolicyFeed {
  const listeners = new Set<{ readonly hear: (snapshot: PolicySnapshot) => void }>();
  let facts = own;
  const none = createFacts();
  let last: PolicySnapshot | undefined;

  const tell = (hear: (snapshot: PolicySnapshot) => void, snapshot: PolicySnapshot): void => {
    try {
      hear(snapshot);
    } catch (error) {
      facts?.on["listener-threw"]?.({ to: "policies", service: undefined, peer: undefined, error });
    }
  };

  return {
    get size() {
      return listeners.size;
    },
    get facts() {
      return facts ?? none;
    },
    get last() {
      return last;
    },
    add(hear, theirs) {
      facts ??= theirs;
      const listener = { hear };
      listeners.add(listener);
      if (last !== undefined) tell(hear, last);
      return () => listeners.delete(listener);
    },
    report(snapshot) {
      tellChanges(last?.policies ?? new Map(), snapshot.policies, facts ?? none);
      last = snapshot;
      for (const listener of [...listeners]) {
        // What one of them does may be the reason for a newer one, which all have heard by now; or take another away.
        if (last !== snapshot) return;
        if (listeners.has(listener)) tell(listener.hear, snapshot);
      }
    },
  };
}

type Policies = ReadonlyMap<string, PolicyRevision>;

function tellChanges(before: Policies, after: Policies, { on }: Facts): void {
  for (const [service, { policy, revision, by, at, note }] of after) {
    const old = before.get(service);
    if (old?.revision === revision) continue;
    const said = { by: by || "somebody, by hand", at: at || undefined, note: note || undefined };
    on["policy-set"]?.({ service, revision, ...said, changed: policyDiff(old?.policy ?? {}, policy) });
  }
  for (const [service, { policy, revision }] of before) {
    if (after.has(service)) continue;
    on["policy-deleted"]?.({ service, revision, changed: policyDiff(policy, {}) });
  }
}
