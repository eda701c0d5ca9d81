import { Metadata, type MetadataValue } from "../core/metadata.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Reads `key: value` pairs; the value of a `-bin` key is base64.
 * @throws UsageError that names the pair
 */
export function metadataFrom(pairs: readonly string[]): Metadata {
  return pairs.reduce((metadata, pair) => {
    const at = pair.indexOf(":");
    const key = pair.slice(0, at).trim();
    if (at < 0 || key === "") throw new UsageError(`-H "${pair}" is no header: write 'key: value'`);
    const text = pair.slice(at + 1).trim();
    try {
      return metadata.append([[key, key.toLowerCase().endsWith("-bin") ? Buffer.from(text, "base64") : text]]);
    } catch (error) {
      throw new UsageError(`-H "${pair}": ${(error as Error).message}`);
    }
  }, Metadata.EMPTY);
}

/** Pairs as they are written; bytes in base64. */
export function linesOf(metadata: Metadata): string[] {
  const show = (value: MetadataValue): string =>
    typeof value === "string" ? value : Buffer.from(value).toString("base64");
  return [...metadata].map(([key, value]) => `${key}: ${show(value)}`);
}
