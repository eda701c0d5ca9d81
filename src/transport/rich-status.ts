import { Status } from "../../gen/google/rpc/status.ts";
import type { ErrorDetail, RpcError } from "../core/rpc-error.ts";

const prefix = "type.googleapis.com/";

/**
 * The bytes of `grpc-status-details-bin`: a `google.rpc.Status`. `undefined` for an error without details, or with some
 * that do not encode: the plain status stands.
 */
export function encodeDetails(error: RpcError): Uint8Array | undefined {
  if (error.details.length === 0) return undefined;
  const details = error.details.map(({ type, value }) => ({ typeUrl: prefix + type, value }));
  try {
    return Status.encode(Status.fromPartial({ code: error.code, message: error.message, details })).finish();
  } catch {
    return undefined;
  }
}

/** An error says what it has to say in a few; thousands of empty ones fit into a header. */
const MOST_DETAILS = 100;

/**
 * The details in `grpc-status-details-bin`, the first hundred. None for bytes that are no `google.rpc.Status`: the plain
 * status stands.
 */
export function decodeDetails(bytes: Uint8Array): readonly ErrorDetail[] {
  try {
    const { details } = Status.decode(bytes);
    return details.slice(0, MOST_DETAILS).map(({ typeUrl, value }) => ({ type: nameOf(typeUrl), value }));
  } catch {
    return [];
  }
}

/** The message's full name: what stands after the last slash of a type URL. */
function nameOf(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}
