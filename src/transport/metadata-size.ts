import { Code } from "../core/code.ts";
import type { Metadata } from "../core/metadata.ts";
import { RpcError } from "../core/rpc-error.ts";

/** The largest metadata that is accepted where nothing else is said, in bytes. */
export const DEFAULT_MAX_METADATA_BYTES: number = 16 * 1024;

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
  throw new RpcError(Code.RESOURCE_EXHAUSTED, `metadata of ${bytes} bytes was received; the limit is ${maxBytes}`);
}

/** Without padding, as gRPC sends it. */
function base64Length(bytes: number): number {
  return Math.ceil((bytes * 4) / 3);
}
