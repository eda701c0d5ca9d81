import type { Logger } from "../../core/logger.ts";

/** Logs when something changes between well and failing, however many attempts there are in between. */
export interface Standing {
  well(fields?: object): void;
  failing(reason: string): void;
}

export function createStanding(logger: Logger, about: object): Standing {
  let state: "new" | "well" | "failing" = "new";
  let everWell = false;
  return {
    well(fields = {}) {
      if (state === "well") return;
      logger.info({ ...about, ...fields }, everWell ? "registered again" : "registered");
      state = "well";
      everWell = true;
    },
    failing(reason) {
      if (state === "failing") return;
      const message = everWell ? "cannot keep the registration; trying on" : "cannot register; trying on";
      logger.warn({ ...about, reason }, message);
      state = "failing";
    },
  };
}
