import type { Facts } from "../../core/facts.ts";

/** Tells when the first service can no longer be listed and when the last can again, however many there are. */
export interface Outage {
  /** Why a service cannot be trusted to be as etcd says; `undefined` when it can. */
  report(service: string, reason: string | undefined): void;
  /** Nobody asks for a service any more: how it stands is no news. */
  forget(service: string): void;
}

export function createOutage(facts: Facts): Outage {
  const affected = new Set<string>();
  return {
    report(service, reason) {
      if (reason !== undefined) {
        if (affected.size === 0) facts.on["registry-lost"]?.({ service, reason });
        affected.add(service);
      } else if (affected.delete(service) && affected.size === 0) {
        facts.on["registry-restored"]?.({ service });
      }
    },
    forget: (service) => void affected.delete(service),
  };
}
