import { isObject } from "./json-object.ts";
import { checkRanges, numberFrom } from "./number-range.ts";
import { checkNames } from "./option-names.ts";
import { whatIs } from "./what-is.ts";

/** Calls that are let through, as `rateLimit` has it. */
export interface RatePolicy {
  readonly perSecond: number;
  /** Calls that may come at once; one second's by default, and at least 1. */
  readonly burst?: number;
}

/** @throws TypeError that names the field, and what it can be */
export function checkRate(given: unknown, of: string): void {
  if (!isObject(given)) throw new TypeError(`${of} is ${whatIs(given)}: give an object, such as {"perSecond":100}`);
  checkNames(given as Partial<RatePolicy>, { perSecond: true, burst: true }, of);
  const { perSecond, burst } = given;
  if (!(typeof perSecond === "number" && perSecond > 0)) {
    throw new TypeError(`${of}.perSecond is ${JSON.stringify(perSecond)}: give a number above 0`);
  }
  checkRanges({ [`${of}.burst`]: burst }, { [`${of}.burst`]: numberFrom(1) });
}
