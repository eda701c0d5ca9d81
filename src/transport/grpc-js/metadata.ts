import { Metadata as GrpcMetadata } from "@grpc/grpc-js";
import { Metadata, type MetadataValue } from "../../core/metadata.ts";

/** What HTTP/2, Node and the wire itself add. Other keys of gRPC's own, as the pushback of a retry, are for our layers. */
const transportKeys = new Set([
  "accept-encoding",
  "content-type",
  "date",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-message",
  "grpc-status",
  "grpc-status-details-bin",
  "grpc-timeout",
  "te",
]);

/** grpc-js's metadata from ours. */
export function toGrpc(metadata: Metadata): GrpcMetadata {
  const converted = new GrpcMetadata();
  const { flat } = metadata;
  for (let i = 0; i < flat.length; i += 2) {
    const value = flat[i + 1] as MetadataValue;
    converted.add(flat[i] as string, typeof value === "string" ? value : asBuffer(value));
  }
  return converted;
}

/**
 * Ours from grpc-js's. Several values of a text key come as one, joined by a comma and a space: Node's HTTP/2 has
 * joined them before grpc-js sees them.
 */
export function fromGrpc(metadata: GrpcMetadata): Metadata {
  const flat: MetadataValue[] = [];
  for (const [key, values] of Object.entries(metadata.toJSON())) {
    if (transportKeys.has(key)) continue;
    for (const value of values) flat.push(key, typeof value === "string" ? value : asBytes(value));
  }
  return Metadata.fromFlat(flat);
}

/** A plain Uint8Array that shares the memory: no Buffer is to reach the user, whose methods differ. */
export function asBytes({ buffer, byteOffset, byteLength }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** grpc-js takes Buffers only; this one shares the memory. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
