import type { Logger } from "../../core/logger.ts";

/** Logs when the first service can no longer be listed and when the last can again, however many there are. */
export interface Outage {
  /** Why a service cannot be trusted to be as etcd says; `undefined` when it can. */
  report(service: string, reason: string | undefined): void;
  /** Nobody asks for a service any more: how it stands is no news. */
  forget(service: string): void;
}

export function createOutage(logger: Logger): Outage {
  const affected = new Set<string>();
  return {
    report(service, reason) {
      if (reason !== undefined) {
        if (affected.size === 0) logger.warn({ service, reason }, "the registry is away; what it said last stands");
        affected.add(service);
      } else if (affected.delete(service) && affected.size === 0) {
        logger.info({ service }, "the registry is back");
      }
    },
    forget: (service) => void affected.delete(service),
  };
}
