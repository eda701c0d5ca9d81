import type { Metadata, MetadataValue } from "../../core/metadata.ts";
import type { HpackEncoder } from "./hpack/encoder.ts";

/** Adds a field that a peer sent to a flat list of metadata. Bytes come in base64, several of them with commas. */
export function pushMetadata(flat: MetadataValue[], name: string, value: string): void {
  if (!name.endsWith("-bin")) {
    flat.push(name, value);
    return;
  }
  for (const part of value.split(",")) flat.push(name, new Uint8Array(Buffer.from(part, "base64")));
}

/** True where no value is bytes. */
export function isText({ flat }: Metadata): boolean {
  return flat.every((part) => typeof part === "string");
}

/** Writes metadata into a header block. */
export function writeMetadata(encoder: HpackEncoder, metadata: Metadata): void {
  const { flat } = metadata;
  for (let i = 0; i < flat.length; i += 2) {
    const value = flat[i + 1] as MetadataValue;
    encoder.field(flat[i] as string, typeof value === "string" ? value : base64(value));
  }
}

/** Without padding, as gRPC asks of senders. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64").replace(/=+$/, "");
}

const connectionSpecific: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** True for a field that HTTP/2 does not allow. RFC 9113, sections 8.2.1 and 8.2.2. */
export function isForbidden(name: string, value: string): boolean {
  if (name === "te") return value !== "trailers";
  return connectionSpecific.has(name) || !validName.test(name) || invalidValue.test(value);
}

const validName = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const invalidValue = /[\0\r\n]|^[ \t]|[ \t]$/;
