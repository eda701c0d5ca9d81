import type { Logger } from "../../core/logger.ts";

/** Logs when a registration goes from well to failing or back, however many attempts there are in between. */
export interface Standing {
  /** Its keys stand under this lease. */
  well(leaseId: string): void;
  failing(reason: string): void;
}

export function createStanding(logger: Logger, about: object): Standing {
  let isFailing = false;
  let lastLease: string | undefined;
  return {
    well(leaseId) {
      if (!isFailing && lastLease === leaseId) return;
      const message =
        lastLease === undefined ? "registered" : lastLease === leaseId ? "kept the registration" : "registered again";
      logger.info({ ...about, leaseId }, message);
      isFailing = false;
      lastLease = leaseId;
    },
    failing(reason) {
      if (isFailing) return;
      const what = lastLease === undefined ? "cannot register" : "cannot keep the registration";
      logger.warn({ ...about, reason }, `${what}; trying on`);
      isFailing = true;
    },
  };
}
