import { Code } from "../core/code.ts";
import type { MessageType } from "../core/message.ts";
import type { Method } from "../core/method.ts";
import { RpcError } from "../core/rpc-error.ts";

/** The largest message that is accepted where nothing else is said, in bytes, as everywhere in gRPC. */
export const DEFAULT_MAX_RECEIVE_BYTES: number = 4 * 1024 * 1024;

/** @throws RpcError INTERNAL that names the field, where the request has not the shape of the contract */
export function encodeRequest(method: Method, message: unknown): Uint8Array {
  return encode(method.request, message, `the request of ${method.path}`);
}

/** @throws RpcError INTERNAL that names the field, where the handler's answer has not the shape of the contract */
export function encodeResponse(method: Method, message: unknown): Uint8Array {
  return encode(method.response, message, `what the handler of ${method.path} returned`);
}

/** @throws RpcError INTERNAL */
export function decodeRequest(method: Method, bytes: Uint8Array): unknown {
  return decode(method.request, bytes, `the request of ${method.path}`);
}

/** @throws RpcError INTERNAL */
export function decodeResponse(method: Method, bytes: Uint8Array): unknown {
  return decode(method.response, bytes, `the response of ${method.path}`);
}

/** @throws RpcError RESOURCE_EXHAUSTED for a message over the limit; -1 and `undefined` are no limit */
export function checkSize(action: "sent" | "received", bytes: number, maxBytes: number | undefined): void {
  if (maxBytes === undefined || maxBytes < 0 || bytes <= maxBytes) return;
  throw new RpcError(Code.RESOURCE_EXHAUSTED, `a message of ${bytes} bytes was ${action}; the limit is ${maxBytes}`);
}

function encode(type: MessageType<any>, message: unknown, what: string): Uint8Array {
  if (typeof message !== "object" || message === null) {
    throw new RpcError(Code.INTERNAL, `${what} does not encode as ${type.$type}: it is ${describe(message)}`);
  }
  try {
    return type.encode(message).finish();
  } catch (cause) {
    if (RpcError.is(cause)) throw cause;
    const field = culprit(type, message as Record<string, unknown>);
    const why = cause instanceof Error ? cause.message : String(cause);
    const where = field === undefined ? "" : `field "${field}": `;
    throw new RpcError(Code.INTERNAL, `${what} does not encode as ${type.$type}: ${where}${why}`, { cause });
  }
}

function decode(type: MessageType<any>, bytes: Uint8Array, what: string): unknown {
  try {
    return type.decode(bytes);
  } catch (cause) {
    if (RpcError.is(cause)) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RpcError(Code.INTERNAL, `${what} does not decode as ${type.$type}: ${why}`, { cause });
  }
}

/** The field that does not encode, found by encoding each alone. */
function culprit(type: MessageType<any>, message: Record<string, unknown>): string | undefined {
  try {
    const empty = type.fromPartial({} as never) as Record<string, unknown>;
    return Object.keys(empty).find((field) => {
      try {
        type.encode({ ...empty, [field]: message[field] });
        return false;
      } catch {
        return true;
      }
    });
  } catch {
    return undefined;
  }
}

function describe(value: unknown): string {
  return value === null ? "null" : value === undefined ? "undefined" : `a ${typeof value}`;
}
