import { isObject } from "./json-object.ts";
import type { ServicePolicy } from "./service-policy.ts";

/** What is another in the later policy, by field: `{ "methods.SayHello.timeoutMs": "500 -> 200" }`; `-` is not set. */
export function policyDiff(before: ServicePolicy, after: ServicePolicy): Readonly<Record<string, string>> {
  const [old, next] = [flat(before), flat(after)];
  const fields = [...new Set([...old.keys(), ...next.keys()])].sort();
  const changed = fields.filter((field) => old.get(field) !== next.get(field));
  return Object.fromEntries(changed.map((field) => [field, `${old.get(field) ?? "-"} -> ${next.get(field) ?? "-"}`]));
}

/** Each field with its value as JSON. */
function flat(policy: object, of = "", into: Map<string, string> = new Map()): Map<string, string> {
  for (const [name, value] of Object.entries(policy)) {
    if (value === undefined) continue;
    if (isObject(value) && Object.keys(value).length > 0) flat(value, `${of}${name}.`, into);
    else into.set(of + name, JSON.stringify(value));
  }
  return into;
}
