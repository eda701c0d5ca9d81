import type { Call } from "../../core/call.ts";
import { NEVER } from "../../core/deadline.ts";
import type { Compression } from "../../core/transport.ts";
import { formatTimeout } from "../grpc-timeout.ts";
import type { CachedBlock } from "./cached-block.ts";
import { ACCEPTED_ENCODINGS } from "./compression.ts";
import type { HpackEncoder } from "./hpack/encoder.ts";
import { writeMetadata } from "./metadata-fields.ts";

/** What all requests on a connection say. */
export interface RequestFields {
  readonly scheme: "http" | "https";
  readonly authority: string;
  readonly userAgent: string;
  readonly compression: Compression;
}

/**
 * Encodes a call's header block into the encoder. What is the same for all calls of a method comes from `cached`; the
 * timeout and the metadata of the call follow it. A timeout is whole milliseconds rounded up, and so mostly the same
 * for calls that have just begun, whose blocks the server then knows by their bytes.
 */
export function writeRequestBlock(encoder: HpackEncoder, cached: CachedBlock, fields: RequestFields, call: Call): void {
  encoder.begin();
  if (!encoder.changed && cached.current(encoder)) encoder.copy(cached.bytes, cached.length);
  else {
    writeMethodFields(encoder, fields, call.method.path);
    cached.keep(encoder);
  }
  const timeout = call.deadline === NEVER ? undefined : formatTimeout(call.remainingMs);
  if (timeout !== undefined) encoder.field("grpc-timeout", timeout);
  if (call.metadata.flat.length > 0) writeMetadata(encoder, call.metadata);
}

function writeMethodFields(encoder: HpackEncoder, fields: RequestFields, path: string): void {
  encoder.field(":method", "POST");
  encoder.field(":scheme", fields.scheme);
  encoder.field(":path", path);
  encoder.field(":authority", fields.authority);
  encoder.field("te", "trailers");
  encoder.field("content-type", "application/grpc");
  encoder.field("user-agent", fields.userAgent);
  encoder.field("grpc-accept-encoding", ACCEPTED_ENCODINGS);
  if (fields.compression !== "identity") encoder.field("grpc-encoding", fields.compression);
}
