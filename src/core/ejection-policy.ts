import { isObject } from "./json-object.ts";
import { atLeast, checkRanges, type NumberRange, numberFrom } from "./number-range.ts";
import { checkNames, type OptionNames } from "./option-names.ts";
import { whatIs } from "./what-is.ts";

/** When a server is taken out for a while: what operators say over a channel's `breaker`, by the same names. */
export interface EjectionPolicy {
  /** Faults in a row, with no answer between them. */
  readonly consecutiveFaults?: number;
  /** The part of the calls in a window, 0 to 1, that must be faults. */
  readonly faultRate?: number;
  /** Calls that a window must hold before its rate is looked at. */
  readonly minimumCalls?: number;
  /** Milliseconds that a window lasts. */
  readonly windowMs?: number;
  /** Milliseconds that it is taken out for the first time. */
  readonly openMs?: number;
  /** The most that grows to, in milliseconds. */
  readonly maxOpenMs?: number;
}

const names: OptionNames<EjectionPolicy> = {
  consecutiveFaults: true,
  faultRate: true,
  minimumCalls: true,
  windowMs: true,
  openMs: true,
  maxOpenMs: true,
};

const ranges: { readonly [K in keyof EjectionPolicy]?: NumberRange } = {
  consecutiveFaults: atLeast(1),
  faultRate: numberFrom(0, { most: 1 }),
  minimumCalls: numberFrom(0),
  windowMs: numberFrom(0),
  openMs: numberFrom(0),
  maxOpenMs: numberFrom(0),
};

/** @throws TypeError that names the field, and what it can be */
export function checkEjection(given: unknown): void {
  if (!isObject(given)) {
    throw new TypeError(`ejection is ${whatIs(given)}: give an object, such as {"consecutiveFaults":3}`);
  }
  checkNames(given as EjectionPolicy, names, "ejection");
  const of = Object.fromEntries(Object.entries(given).map(([name, value]) => [`ejection.${name}`, value]));
  checkRanges(of, Object.fromEntries(Object.entries(ranges).map(([name, range]) => [`ejection.${name}`, range])));
}
