import { Code } from "../../core/code.ts";
import type { MessageType } from "../../core/message.ts";
import type { Method } from "../../core/method.ts";
import { RpcError } from "../../core/rpc-error.ts";
import { FastReader } from "../codec/fast-reader.ts";
import { SlabWriter } from "../codec/slab-writer.ts";
import { encodeRequest, encodeResponse } from "../message.ts";

const reader = new FastReader();

/**
 * Decodes the message that stands in `bytes`, which may be overwritten afterwards unless they are `owned`.
 * @param what for the error: `the request`
 * @throws RpcError INTERNAL
 */
export function decodeMessage(
  method: Method,
  type: MessageType<unknown>,
  bytes: Buffer,
  start: number,
  end: number,
  what: string,
  owned = false,
): unknown {
  try {
    return reader.read(type, bytes, start, end, owned);
  } catch (cause) {
    if (RpcError.is(cause)) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RpcError(Code.INTERNAL, `${what} of ${method.path} does not decode as ${type.$type}: ${why}`, { cause });
  }
}

/** Why a message could not be sent, as an error that names the field where it can be found. */
export function encodeFailure(
  method: Method,
  side: "request" | "response",
  message: unknown,
  cause: unknown,
): RpcError {
  if (RpcError.is(cause)) return cause;
  try {
    // What is no message at all is described there.
    if (side === "request") encodeRequest(method, message);
    else encodeResponse(method, message);
  } catch (error) {
    return RpcError.from(error, Code.INTERNAL);
  }
  const type = method[side];
  const field = culprit(type, message as Record<string, unknown>);
  const where = field === undefined ? "" : `field "${field}": `;
  const why = cause instanceof Error ? cause.message : String(cause);
  const what = side === "request" ? `the request of ${method.path}` : `what the handler of ${method.path} returned`;
  return new RpcError(Code.INTERNAL, `${what} does not encode as ${type.$type}: ${where}${why}`, { cause });
}

/** The field that our own writer, which is stricter, does not take: found by encoding each alone. */
function culprit(type: MessageType<unknown>, message: Record<string, unknown>): string | undefined {
  const writer = new SlabWriter();
  const empty = type.fromPartial({} as never) as Record<string, unknown>;
  return Object.keys(empty).find((field) => {
    try {
      writer.write(type, { ...empty, [field]: message[field] }, Buffer.alloc(0), 0, 0);
      return false;
    } catch {
      return true;
    }
  });
}
