import { isObject } from "../../../core/json-object.ts";
import type { PolicyChange, PolicyRevision } from "../../../core/policy-source.ts";
import { checkServicePolicy } from "../../../core/service-policy.ts";
import { whatIs } from "../../../core/what-is.ts";
import { type Entry, maxValueBytes } from "../keys.ts";

/** Below it stands the policy of each service, by its full name, and of all of them under `*`. */
export const policyPrefix = "trunkline/policy/";

export const keyOf = (service: string): string => policyPrefix + service;

/**
 * A policy as it stands in etcd: JSON, the fields of the policy and beside them who set it, when and why. One that is
 * written by hand may leave those out.
 * @throws TypeError for what is too large to be read
 */
export function writeDocument({ policy, by, note = "" }: PolicyChange, at: string): string {
  const text = JSON.stringify({ ...policy, by, at, ...(note !== "" && { note }) });
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxValueBytes) return text;
  throw new TypeError(`the policy has ${bytes} bytes; ${maxValueBytes} are read, say less`);
}

/**
 * @param remembered whether it stands in the history, where it may say itself which revision it was
 * @throws TypeError that names what cannot be
 */
export function readDocument(
  service: string,
  { value, modRevision, tooLong }: Entry,
  remembered = false,
): PolicyRevision {
  if (tooLong !== undefined) throw new TypeError(tooLong);
  const document = parsed(value);
  const { by = "", at = "", note = "", revision: was, ...policy } = document;
  const revision = remembered && typeof was === "number" ? was : Number(modRevision);
  for (const [name, given] of Object.entries({ by, at, note })) {
    if (typeof given !== "string") throw new TypeError(`${name} is ${whatIs(given)}: give text`);
  }
  checkServicePolicy(service, policy);
  return { service, policy, revision, by, at, note } as PolicyRevision;
}

function parsed(value: string): Readonly<Record<string, unknown>> {
  let document: unknown;
  try {
    document = JSON.parse(value);
  } catch (cause) {
    throw new TypeError(`it is no JSON: ${(cause as Error).message}`, { cause });
  }
  if (isObject(document)) return document;
  throw new TypeError(`it is ${whatIs(document)}: give an object, such as {"timeoutMs":500}`);
}
