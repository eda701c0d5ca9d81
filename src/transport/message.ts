import { Code } from "../core/code.ts";
import { lastRead } from "../core/last-read.ts";
import type { MessageType } from "../core/message.ts";
import type { Method } from "../core/method.ts";
import { shortened } from "../core/printable.ts";
import { RpcError } from "../core/rpc-error.ts";
import { whatIs } from "../core/what-is.ts";
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
 * What the message that was decoded last takes of the heap beside its text, its numbers and its bytes themselves, at
 * least.
 */
export function decodedHeapBytes(): number {
  return reader.heapBytes;
}

/**
 * Why a message could not be encoded, as an error that names the field by its path where it can be found: a request is
 * its caller's own mistake, a response the handler's or an interceptor's.
 */
export function encodeFailure(method: Method, side: Side, message: unknown, cause: unknown): RpcError {
  if (cause instanceof Oversize) return oversized(method, side, "sent", cause) as RpcError;
  if (RpcError.is(cause)) return side === "request" ? RpcError.local(cause) : cause;
  if (typeof message !== "object" || message === null) return unfit(method, side, `it is ${whatIs(message)}`, cause);
  const encode = (watched: unknown): void => {
    new SlabWriter().write(method[side], watched, NOTHING, 0, 0);
  };
  return unfit(method, side, `${fieldOf(message, encode)}${reasonOf(cause)}`, cause);
}

/** As `encodeFailure`, of what its type did not even take for a part of a message. */
export function partialFailure(method: Method, side: Side, given: unknown, cause: unknown): RpcError {
  return unfit(method, side, partialReason(method[side], given, cause), cause);
}

/** Why a type did not take something for a part of a message, with the field by its path. */
export function partialReason(type: MessageType<unknown>, given: unknown, cause: unknown): string {
  const fill = (watched: unknown): unknown => type.fromPartial(watched as never);
  return `${fieldOf(given, fill)}${reasonOf(cause)}`;
}

function unfit(method: Method, side: Side, why: string, cause: unknown): RpcError {
  const what = side === "request" ? `the request of ${method.path}` : `the reply of ${method.path}`;
  const text = `${what} does not encode as ${method[side].$type}: ${why}`;
  return new RpcError(side === "request" ? Code.INVALID_ARGUMENT : Code.INTERNAL, text, { cause, local: true });
}

function fieldOf(message: unknown, work: (watched: unknown) => unknown): string {
  const path = lastRead(message, work);
  return path === "" ? "" : `field "${shortened(path)}": `;
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
