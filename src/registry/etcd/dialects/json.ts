export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws Error for anything but a JSON object */
export function parseObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("its value is not JSON");
  }
  if (!isObject(value)) throw new Error("its value is not a JSON object");
  return value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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
 */
export function toMetadata(value: unknown): Record<string, string> | undefined {
  if (!isObject(value)) return undefined;
  const metadata: Record<string, string> = {};
  for (const [key, each] of Object.entries(value)) {
    if (each === null || each === undefined) continue;
    // defineProperty, since a key may be `__proto__`.
    const text = typeof each === "string" ? each : JSON.stringify(each);
    Object.defineProperty(metadata, key, { value: text, enumerable: true, configurable: true, writable: true });
  }
  return Object.keys(metadata).length === 0 ? undefined : metadata;
}
