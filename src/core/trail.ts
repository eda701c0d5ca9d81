import { type ValueKey, valueKey } from "./call.ts";

/** The address that an attempt went to, written down while the attempt is still under way. */
export interface Trail {
  address: string | undefined;
}

/** Set on the attempts of a hedged call, so that the next of them can go elsewhere. */
export const trailKey: ValueKey<Trail> = valueKey("trail");
