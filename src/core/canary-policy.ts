import { isObject } from "./json-object.ts";
import { checkNames } from "./option-names.ts";
import { whatIs } from "./what-is.ts";

/** How many of a service's calls go to some of its servers. */
export interface CanaryPolicy {
  /** What the registration of these servers says, all of it: `{ "version": "2.0.0" }`. */
  readonly match: Readonly<Record<string, string>>;
  /** The part of the calls that they get, 0 to 1; 0 is none while there are others. */
  readonly share: number;
}

/** @throws TypeError that names the field, and what it can be */
export function checkCanary(given: unknown): void {
  if (!isObject(given)) {
    throw new TypeError(
      `canary is ${whatIs(given)}: give an object, such as {"match":{"version":"2.0.0"},"share":0.05}`,
    );
  }
  checkNames(given as Partial<CanaryPolicy>, { match: true, share: true }, "canary");
  const { match, share } = given;
  if (!isObject(match) || Object.keys(match).length === 0 || !Object.values(match).every(isText)) {
    throw new TypeError(
      'canary.match says which servers are meant: give an object of text, such as {"version":"2.0.0"}',
    );
  }
  if (typeof share === "number" && share >= 0 && share <= 1) return;
  throw new TypeError(`canary.share is ${JSON.stringify(share)}: give a number from 0 to 1`);
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}
