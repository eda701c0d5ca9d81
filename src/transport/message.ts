import { Code } from "../core/code.ts";
import type { MessageType } from "../core/message.ts";
import type { Method } from "../core/method.ts";
import { RpcError } from "../core/rpc-error.ts";
import { CrowdedMessage, FastReader } from "./codec/fast-reader.ts";
import { SlabWriter } from "./codec/slab-writer.ts";
import { Oversize, oversized, type Side } from "./oversize.ts";

/** The largest message that is accepted where nothing else is said, in bytes, as everywhere in gRPC. */
export const DEFAULT_MAX_RECEIVE_BYTES: number = 4 * 1024 * 1024;

const NOTHING = Buffer.alloc(0);
const reader = new FastReader();

/** @throws RpcError that names the field, where the message has not the shape of the contract; see `encodeFailure` */
export function encodeMessage(method: Method, side: Side, message: unknown): Uint8Array {
  if (typeof message !== "object" || message === null) throw encodeFailure(method, side, message, undefined);
  const writer = new SlabWriter();
  try {
    const end = writer.write(method[side], message, NOTHING, 0, 0);
    return writer.slab.subarray(writer.start, end);
  } catch (cause) {
    throw encodeFailure(method, side, message, cause);
  }
}

/**
 * Decodes the message that stands in `bytes`, which may be overwritten afterwards unless they are `owned`.
 * @throws RpcError INTERNAL; RESOURCE_EXHAUSTED where it would take a multiple of its bytes once it is decoded
 */
export function decodeMessage(
  method: Method,
  side: Side,
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
  owned = false,
): unknown {
  const type = method[side];
  try {
    return reader.read(type, bytes, start, end, owned);
  } catch (cause) {
    if (RpcError.is(cause)) throw cause;
    const why = `the ${side} of ${method.path} does not decode as ${type.$type}: ${reasonOf(cause)}`;
    throw new RpcError(cause instanceof CrowdedMessage ? Code.RESOURCE_EXHAUSTED : Code.INTERNAL, why, { cause });
  }
}

/**
 * Why a message could not be encoded, as an error that names the field where it can be found: a request is its caller's
 * own mistake, a response the handler's or an interceptor's.
 */
export function encodeFailure(method: Method, side: Side, message: unknown, cause: unknown): RpcError {
  if (cause instanceof Oversize) return oversized(method, side, "sent", cause) as RpcError;
  if (RpcError.is(cause)) return side === "request" ? RpcError.local(cause) : cause;
  const type = method[side];
  const what = side === "request" ? `the request of ${method.path}` : `the reply of ${method.path}`;
  const why =
    typeof message !== "object" || message === null
      ? `it is ${describe(message)}`
      : `${culprit(type, message as Record<string, unknown>)}${reasonOf(cause)}`;
  const text = `${what} does not encode as ${type.$type}: ${why}`;
  return new RpcError(side === "request" ? Code.INVALID_ARGUMENT : Code.INTERNAL, text, { cause, local: true });
}

/** The field that does not encode, found by encoding each alone. */
function culprit(type: MessageType<unknown>, message: Record<string, unknown>): string {
  const writer = new SlabWriter();
  const empty = type.fromPartial({} as never) as Record<string, unknown>;
  const field = Object.keys(empty).find((field) => {
    try {
      writer.write(type, { ...empty, [field]: message[field] }, NOTHING, 0, 0);
      return false;
    } catch {
      return true;
    }
  });
  return field === undefined ? "" : `field "${field}": `;
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function describe(value: unknown): string {
  return value === null ? "null" : value === undefined ? "undefined" : `a ${typeof value}`;
}
