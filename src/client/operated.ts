import type { Facts } from "../core/facts.ts";
import { overrideLevel } from "../core/log-level.ts";
import type { Logger } from "../core/logger.ts";
import type { Service } from "../core/method.ts";
import { type ChannelPolicy, overlaidPolicies, type Policies } from "../core/policies.ts";
import { EVERY_SERVICE, type PolicyRevision, type PolicySource } from "../core/policy-source.ts";
import { type ServicePolicy, unfitFor } from "../core/service-policy.ts";

export interface OperatedPolicies {
  readonly policyOf: Policies;
  /** A client is made of this service: what operators say of methods that it has not is logged. */
  look(service: Service<any>): void;
  /** What operators say of a service now; the same object while they say nothing else. */
  said(service: string): ServicePolicy | undefined;
  stop(): void;
}

/** A channel's policies with those of operators laid over them, as soon as they are known and whenever they change. */
export function operatedPolicies(
  policy: ChannelPolicy | undefined,
  source: PolicySource | undefined,
  facts: Facts,
  logger?: Logger,
): OperatedPolicies {
  const { policyOf, overlay } = overlaidPolicies(policy);
  if (source === undefined) return { policyOf, look() {}, said: () => undefined, stop() {} };
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
    overrideLevel(logger, policies.get(EVERY_SERVICE)?.policy.logLevel);
    for (const service of services.values()) look(service);
  }, facts);
  return { policyOf, look, said: (service) => current.get(service)?.policy, stop };
}
