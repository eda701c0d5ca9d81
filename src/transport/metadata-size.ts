import { Code } from "../core/code.ts";
import type { Metadata } from "../core/metadata.ts";
import { RpcError } from "../core/rpc-error.ts";

/** The largest metadata that is accepted where nothing else is said, in bytes. */
export const DEFAULT_MAX_METADATA_BYTES: number = 16 * 1024;

/**
 * The largest metadata to send, in bytes. More than peers accept by default, yet little enough that HTTP/2 carries it:
 * a block of headers that is too large for the other side breaks the connection, with every call on it.
 */
const maxSentBytes = 64 * 1024;
/** Of that, what the message of a status may take, in characters: each may take twelve bytes when it is escaped. */
const maxMessageLength = 2048;

/** Bytes as HTTP/2 counts a header list: names and values, and 32 for each pair (RFC 9113, 6.5.2). */
export function metadataBytes(metadata: Metadata): number {
  let bytes = 0;
  for (const part of metadata.flat) bytes += 16 + (typeof part === "string" ? part.length : base64Length(part.length));
  return bytes;
}

/** @throws RpcError RESOURCE_EXHAUSTED for metadata over the limit */
export function checkMetadata(metadata: Metadata, maxBytes: number): void {
  const bytes = metadataBytes(metadata);
  if (bytes <= maxBytes) return;
  throw new RpcError(
    Code.RESOURCE_EXHAUSTED,
    `metadata of ${bytes} bytes is over its receiver's maxMetadataBytes, which is ${maxBytes}`,
  );
}

/** @throws RpcError RESOURCE_EXHAUSTED for metadata that is too large to send */
export function checkSentMetadata(metadata: Metadata): void {
  const bytes = metadataBytes(metadata);
  if (bytes <= maxSentBytes) return;
  const text = `metadata of ${bytes} bytes is too large to send: ${maxSentBytes} are the most`;
  throw new RpcError(Code.RESOURCE_EXHAUSTED, text, { local: true });
}

/** A status that can be sent: of one that is too large the code stays, and as much of the message as there is room for. */
export function sendable(error: RpcError): RpcError {
  const { code, message, metadata, details, header } = error;
  let bytes = metadataBytes(metadata);
  for (const { type, value } of details) bytes += base64Length(type.length + value.length + 40);
  const fits = bytes <= maxSentBytes / 2 && metadataBytes(header) <= maxSentBytes;
  if (fits && message.length <= maxMessageLength) return error;
  const left = message.length - maxMessageLength;
  const said = left <= 0 ? message : `${message.slice(0, maxMessageLength)}… (${left} more characters)`;
  if (fits) return new RpcError(code, said, { metadata, details, header });
  const cause = new Error(`its metadata and details, of ${bytes + metadataBytes(header)} bytes, are too large to send`);
  return new RpcError(code, said, { cause, local: true });
}

/** Without padding, as gRPC sends it. */
function base64Length(bytes: number): number {
  return Math.ceil((bytes * 4) / 3);
}
