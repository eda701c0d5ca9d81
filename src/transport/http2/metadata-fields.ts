import { Metadata, type MetadataValue } from "../../core/metadata.ts";
import type { HpackEncoder } from "./hpack/encoder.ts";

/** What HTTP/2 counts for a field beside its name and its value. RFC 9113, section 6.5.2. */
const FIELD_BYTES = 32;
const NO_BYTES = new Uint8Array(0);

/** True for a field whose value is bytes: base64, and several values with commas between them. */
export function isBinary(name: string): boolean {
  return name.endsWith("-bin");
}

/** What the values of such a field count beyond the field itself, as if each but the first were a field. In octets. */
export function listOverhead(value: string): number {
  let bytes = 0;
  for (let at = value.indexOf(","); at >= 0; at = value.indexOf(",", at + 1)) bytes += FIELD_BYTES;
  return bytes;
}

/** Metadata of the fields that a peer sent, names and values in turn. Bytes are decoded when somebody reads them. */
export function metadataOf(fields: readonly string[], hasBytes: boolean): Metadata {
  return hasBytes ? Metadata.decodedBy(() => decodeFields(fields)) : Metadata.fromFlat(fields);
}

function decodeFields(fields: readonly string[]): MetadataValue[] {
  const flat: MetadataValue[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    if (!isBinary(name)) flat.push(name, value);
    else for (const part of value.split(",")) flat.push(name, bytesOf(part));
  }
  return flat;
}

function bytesOf(base64: string): Uint8Array {
  return base64 === "" ? NO_BYTES : new Uint8Array(Buffer.from(base64, "base64"));
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
