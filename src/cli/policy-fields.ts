import { isObject, type JsonObject } from "../core/json-object.ts";
import { UsageError } from "./usage-error.ts";

/**
 * The policy with `field=value` set in it: `timeoutMs=500`, `methods.SayHello.retry=false`. The value is JSON, or text where
 * it is none; without a value the field is taken out.
 * @throws UsageError for what is written otherwise
 */
export function withField(policy: JsonObject, assignment: string): JsonObject {
  const [, path = "", text = ""] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
  if (path === "" || path.split(".").includes("")) {
    throw new UsageError(`${JSON.stringify(assignment)} sets nothing: write field=value, such as timeoutMs=500`);
  }
  return withValue(policy, path.split("."), text === "" ? undefined : parsed(text));
}

function withValue(into: JsonObject, [name = "", ...rest]: readonly string[], value: unknown): JsonObject {
  const { [name]: inner, ...others } = into;
  const next = rest.length === 0 ? value : withValue(isObject(inner) ? inner : {}, rest, value);
  const isGone = next === undefined || (rest.length > 0 && isObject(next) && Object.keys(next).length === 0);
  return isGone ? others : { ...others, [name]: next };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
