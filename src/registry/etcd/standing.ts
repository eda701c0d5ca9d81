import type { Facts } from "../../core/facts.ts";
import type { Registering } from "../../core/registry-facts.ts";

/** Tells when a registration goes from well to failing or back, however many attempts there are in between. */
export interface Standing {
  /** Its keys stand under this lease. */
  well(leaseId: string): void;
  failing(reason: string): void;
}

export function createStanding(facts: Facts, about: Registering): Standing {
  let isFailing = false;
  let lastLease: string | undefined;
  return {
    well(leaseId) {
      if (!isFailing && lastLease === leaseId) return;
      const again = lastLease === leaseId ? "registration-kept" : "registration-restored";
      facts.on[lastLease === undefined ? "registration-made" : again]?.({ ...about, leaseId });
      isFailing = false;
      lastLease = leaseId;
    },
    failing(reason) {
      if (isFailing) return;
      facts.on[lastLease === undefined ? "registration-failing" : "registration-lost"]?.({ ...about, reason });
      isFailing = true;
    },
  };
}
