import { type Call, type ValueKey, valueKey } from "./call.ts";

/** Where a call's attempts went, written down while they are still under way. */
export interface Trail {
  /** The address of the latest. */
  address: string | undefined;
  /** Attempts that came to a peer. */
  attempts: number;
  /** Of the call that this is one attempt of. */
  readonly outer: Trail | undefined;
}

/** Set on calls that are observed, and on the attempts of a hedged one, so that the next of them can go elsewhere. */
export const trailKey: ValueKey<Trail> = valueKey("trail");

export function newTrail(outer?: Trail): Trail {
  return { address: undefined, attempts: 0, outer };
}

export function leaveTrail(call: Call, address: string): void {
  for (let trail = call.get(trailKey); trail !== undefined; trail = trail.outer) {
    trail.address = address;
    trail.attempts++;
  }
}
