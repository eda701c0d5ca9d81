import { type Call, type ValueKey, valueKey } from "./call.ts";
import { traceIdOf } from "./trace-id.ts";

/** Where a call's attempts went, written down while they are still under way. */
export interface Trail {
  /** The address of the latest. */
  address: string | undefined;
  /** Attempts that came to a peer. */
  attempts: number;
  /** Of the call that this is one attempt of. */
  readonly outer: Trail | undefined;
  /** The id of the trace that goes with it. */
  trace: string | undefined;
}

/** Set on calls that are observed, and on the attempts of a hedged one, so that the next of them can go elsewhere. */
export const trailKey: ValueKey<Trail> = valueKey("trail");

export function newTrail(outer?: Trail): Trail {
  return { address: undefined, attempts: 0, outer, trace: undefined };
}

export function leaveTrail(call: Call, address: string): void {
  let trail = call.get(trailKey);
  if (trail === undefined) return;
  const trace = traceIdOf(call.metadata);
  for (; trail !== undefined; trail = trail.outer) {
    trail.trace = trace;
    trail.address = address;
    trail.attempts++;
  }
}
