import { checkObservers } from "../core/check-observers.ts";
import { createFacts, type Observer } from "../core/facts.ts";
import type { Logger } from "../core/logger.ts";
import { checkNames } from "../core/option-names.ts";
import type { PolicyRevision, PolicyStore } from "../core/policy-source.ts";
import { changedMeanwhile, checkPolicyChange, checkPolicyService, mostRemembered } from "./policy-change.ts";
import { createPolicyFeed } from "./policy-feed.ts";

export interface MemoryPoliciesOptions {
  /** Silent by default, or what a channel or server is given that uses them. */
  readonly logger?: Logger | undefined;
  /** Told of each change, beside or in place of a logger. */
  readonly observers?: readonly Observer[] | undefined;
}

/** Policies within one process, for tests, and for a program that changes its own. */
export function memoryPolicies(options: MemoryPoliciesOptions = {}): PolicyStore {
  checkNames(options, { logger: true, observers: true }, "memoryPolicies");
  checkObservers(options);
  const isTold = options.logger !== undefined || options.observers !== undefined;
  const feed = createPolicyFeed(isTold ? createFacts(options) : undefined);
  const remembered = new Map<string, PolicyRevision[]>();
  let last = 0;

  const latest = (service: string): PolicyRevision | undefined => remembered.get(service)?.[0];
  const report = (): void => {
    const policies = new Map([...remembered].map(([service, [newest]]) => [service, newest as PolicyRevision]));
    feed.report({ policies, state: "current" });
  };
  report();

  return {
    watch: feed.add,
    async get(service) {
      checkPolicyService(service);
      return latest(service);
    },
    async history(service) {
      checkPolicyService(service);
      return [...(remembered.get(service) ?? [])];
    },
    async set(service, change) {
      checkPolicyChange(service, change);
      const now = latest(service);
      const { policy, by, note = "", expected } = change;
      if (expected !== undefined && expected !== (now?.revision ?? 0)) throw changedMeanwhile(service, now, expected);
      // Of its own: what was given may be changed later.
      const revision = {
        service,
        policy: structuredClone(policy),
        revision: ++last,
        by,
        at: new Date().toISOString(),
        note,
      };
      remembered.set(service, [revision, ...(remembered.get(service) ?? [])].slice(0, mostRemembered));
      report();
      return revision;
    },
    services: async () => [...remembered.keys()].sort(),
    async close() {},
  };
}
