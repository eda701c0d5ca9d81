import type { Facts } from "./facts.ts";
import type { ServicePolicy } from "./service-policy.ts";

/** The name under which a policy stands for every service. */
export const EVERY_SERVICE = "*";

/** A policy as somebody has set it. */
export interface PolicyRevision {
  /** The full name of a service, or `*`. */
  readonly service: string;
  /** Without a field where it was taken back. */
  readonly policy: ServicePolicy;
  /** Grows with each change; no two policies of one source share one. */
  readonly revision: number;
  /** Who set it; empty where it was written by hand and does not say. */
  readonly by: string;
  /** When, in ISO 8601; empty where it does not say. */
  readonly at: string;
  /** Why, where somebody said so. */
  readonly note: string;
}

/** All policies that hold now, by the full names of services; `*` stands for all of them. */
export interface PolicySnapshot {
  readonly policies: ReadonlyMap<string, PolicyRevision>;
  /** `stale` where the source cannot be asked, and what it said last stands. */
  readonly state: "current" | "stale";
  /** Why it is stale. */
  readonly reason?: string | undefined;
}

/**
 * Policies that operators change while programs run: `createChannel({ policies })`, `createServer({ policies })`.
 *
 * ```ts
 * const policies = etcdPolicies("http://127.0.0.1:2379");
 * const channel = createChannel({ registry, policies });
 * ```
 */
export interface PolicySource {
  /**
   * Tells what holds, at once where it is known, and whenever it changes, until the returned function is called. Only what
   * is valid is told; the rest is named by one warning, and what held before it stands.
   * @param facts of who asks: told of changes where the source itself was given neither logger nor observers
   */
  watch(listener: (snapshot: PolicySnapshot) => void, facts?: Facts): () => void;
  close(): Promise<void>;
}

/** What is to hold from now on, and who says so. */
export interface PolicyChange {
  /** All of it: what it does not name is no longer set. */
  readonly policy: ServicePolicy;
  readonly by: string;
  readonly note?: string | undefined;
  /** The revision that it was made from, 0 for none; any by default. */
  readonly expected?: number | undefined;
}

/** A source that can be written to. */
export interface PolicyStore extends PolicySource {
  /** What was set last; `undefined` where nothing was. Rejects with a TypeError where somebody wrote what is none. */
  get(service: string): Promise<PolicyRevision | undefined>;
  /** What was set, the newest first; the last hundred. */
  history(service: string): Promise<readonly PolicyRevision[]>;
  /**
   * Sets a policy where nobody else has meanwhile.
   * @throws TypeError (rejects with it) for a policy that cannot be, with the field
   * @throws RpcError (rejects with it) ABORTED where it is no longer at `expected`, or another came first: look at it anew
   */
  set(service: string, change: PolicyChange): Promise<PolicyRevision>;
  /** The names of the services that have a policy, `*` among them. */
  services(): Promise<readonly string[]>;
}
