import type { Facts } from "../core/facts.ts";
import type { Service } from "../core/method.ts";
import { type ChannelPolicy, overlaidPolicies, type Policies } from "../core/policies.ts";
import type { PolicyRevision, PolicySource } from "../core/policy-source.ts";
import { unfitFor } from "../core/service-policy.ts";

export interface OperatedPolicies {
  readonly policyOf: Policies;
  /** A client is made of this service: what operators say of methods that it has not is logged. */
  look(service: Service<any>): void;
  stop(): void;
}

/** A channel's policies with those of operators laid over them, as soon as they are known and whenever they change. */
export function operatedPolicies(
  policy: ChannelPolicy | undefined,
  source: PolicySource | undefined,
  facts: Facts,
): OperatedPolicies {
  const { policyOf, overlay } = overlaidPolicies(policy);
  if (source === undefined) return { policyOf, look() {}, stop() {} };
  const services = new Map<string, Service<any>>();
  /** By service the revision that was looked at. */
  const looked = new Map<string, number>();
  let current: ReadonlyMap<string, PolicyRevision> = new Map();

  function look(service: Service<any>): void {
    services.set(service.name, service);
    const said = current.get(service.name);
    if (said === undefined || looked.get(service.name) === said.revision) return;
    looked.set(service.name, said.revision);
    for (const reason of unfitFor(service, said.policy)) {
      facts.on["policy-unfit"]?.({ service: service.name, revision: said.revision, reason });
    }
  }

  const stop = source.watch(({ policies }) => {
    if (policies === current) return;
    current = policies;
    overlay((service) => policies.get(service)?.policy);
    for (const service of services.values()) look(service);
  }, facts);
  return { policyOf, look, stop };
}
