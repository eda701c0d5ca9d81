import { Metadata, type MetadataValue } from "../core/metadata.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Reads `key: value` pairs; the value of a `-bin` key is base64.
 * @throws UsageError that names the key, where there is one
 */
export function metadataFrom(pairs: readonly string[]): Metadata {
  return pairs.reduce((metadata, pair) => {
    const at = pair.indexOf(":");
    const key = pair.slice(0, at).trim();
    if (at < 0 || key === "") {
      // Nothing of it: a token may have been meant, or written behind an equals sign.
      throw new UsageError("-H is given what is no header: write 'key: value'");
    }
    const text = pair.slice(at + 1).trim();
    try {
      return metadata.append([[key, key.toLowerCase().endsWith("-bin") ? bytesOf(text) : text]]);
    } catch (error) {
      // Without the value, which may be a token, and the output may be kept.
      throw new UsageError(`-H "${key}": ${(error as Error).message}`);
    }
  }, Metadata.EMPTY);
}

function bytesOf(text: string): Uint8Array {
  if (!/^[\w+/-]*={0,2}$/.test(text)) throw new TypeError("the value of a key that ends in -bin is written in base64");
  return Buffer.from(text, "base64");
}

/** Pairs as they are written; bytes in base64. */
export function linesOf(metadata: Metadata): string[] {
  const show = (value: MetadataValue): string =>
    typeof value === "string" ? value : Buffer.from(value).toString("base64");
  return [...metadata].map(([key, value]) => `${key}: ${show(value)}`);
}
