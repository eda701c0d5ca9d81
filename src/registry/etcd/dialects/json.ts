import { isObject, type JsonObject } from "../../../core/json-object.ts";
import { checkMetadataKeys } from "../../announcement.ts";

/** Where a name ends, counted before the text is parsed: to make names of it costs a thousand times more. */
const fieldEnd = /"\s*:/g;
const maxFields = 1_024;

/** @throws Error for anything but a JSON object, and for one with more fields than a server has to say */
export function parseObject(text: string): JsonObject {
  const fields = text.match(fieldEnd)?.length ?? 0;
  if (fields > maxFields) throw new Error(`its value has ${fields} fields; ${maxFields} are read`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("its value is not JSON");
  }
  if (!isObject(value)) throw new Error("its value is not a JSON object");
  return value;
}

/** @throws Error where the field is missing or no text */
export function textField(object: JsonObject, field: string): string {
  const value = object[field];
  if (typeof value !== "string" || value === "") throw new Error(`its value has no ${field}`);
  return value;
}

/**
 * Metadata as other writers have it: text stays, null is left out, everything else becomes its JSON text. `undefined`
 * where nothing is left, or where it is no object.
 * @throws Error for more keys than an endpoint may have
 */
export function toMetadata(value: unknown): Record<string, string> | undefined {
  if (!isObject(value)) return undefined;
  const entries = Object.entries(value);
  checkMetadataKeys(entries.length, "its metadata");
  const metadata: Record<string, string> = {};
  let isEmpty = true;
  for (const [key, each] of entries) {
    if (each === null || each === undefined) continue;
    isEmpty = false;
    const text = typeof each === "string" ? each : JSON.stringify(each);
    // Assigned, it would be lost.
    if (key === "__proto__") Object.defineProperty(metadata, key, { value: text, enumerable: true });
    else metadata[key] = text;
  }
  return isEmpty ? undefined : metadata;
}
