import { closest } from "./closest.ts";
import type { Method, Service } from "./method.ts";
import { checkNames, type OptionNames } from "./option-names.ts";
import type { ChannelPolicy } from "./policies.ts";
import type { HedgePolicy, MethodPolicy, RetryPolicy } from "./policy.ts";

const ofRetry: OptionNames<RetryPolicy> = {
  maxAttempts: true,
  initialBackoffMs: true,
  maxBackoffMs: true,
  backoffMultiplier: true,
  retryableCodes: true,
};
const ofHedge: OptionNames<HedgePolicy> = { maxAttempts: true, delayMs: true };
export const methodPolicyNames: OptionNames<MethodPolicy> = {
  timeoutMs: true,
  retry: true,
  hedge: true,
  waitForReady: true,
  maxRequestBytes: true,
  maxResponseBytes: true,
};
const ofChannel: OptionNames<ChannelPolicy> = { ...methodPolicyNames, methods: true };

/**
 * Looks at all names in a channel's policy, but for whether its methods are there: only a client knows its service.
 * @throws TypeError that names what there is not, and where
 */
export function checkPolicyNames(policy: ChannelPolicy): void {
  checkNames(policy, ofChannel, "policy");
  checkResendingNames(policy, "policy.");
  const named = new Set<string>();
  for (const [key, method] of Object.entries(policy.methods ?? {})) {
    const of = `policy.methods[${JSON.stringify(key)}]`;
    if (!/^([^/]+|\/?[^/]+\/[^/]+)$/.test(key)) {
      throw new TypeError(`${of} names no method: write "greeter.v1.Greeter" or "greeter.v1.Greeter/SayHello"`);
    }
    const name = key.replace(/^\//, "");
    if (named.has(name)) throw new TypeError(`policy.methods names ${name} twice: with a slash before it, and without`);
    named.add(name);
    checkNames(method, methodPolicyNames, of);
    checkResendingNames(method, `${of}.`);
  }
}

/** @throws TypeError that names what there is not */
export function checkResendingNames({ retry, hedge }: MethodPolicy, of = ""): void {
  if (retry) checkNames(retry, ofRetry, `${of}retry`);
  if (hedge) checkNames(hedge, ofHedge, `${of}hedge`);
}

/** @throws TypeError that names a method that the policy speaks of and the service has not, and those that it has */
export function checkPolicyMethods(policy: ChannelPolicy, service: Service<any>): void {
  const known = Object.values(service.methods as Record<string, Method>).map(({ name }) => name);
  for (const key of Object.keys(policy.methods ?? {})) {
    const dotted = known.find((name) => key === `${service.name}.${name}`);
    if (dotted !== undefined) {
      throw new TypeError(
        `policy.methods names ${key}, and that is no service: did you mean ${service.name}/${dotted}?`,
      );
    }
    const [of, method] = key.replace(/^\//, "").split("/");
    if (of !== service.name || method === undefined || known.includes(method)) continue;
    const meant = closest(method, known);
    const remedy = meant === undefined ? `it has: ${known.join(", ")}` : `did you mean ${meant}?`;
    throw new TypeError(`policy.methods names ${key}, and ${of} has no such method: ${remedy}`);
  }
}
