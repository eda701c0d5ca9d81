import { Code } from "./code.ts";
import type { MessageType } from "./message.ts";
import type { Method } from "./method.ts";
import { RpcError } from "./rpc-error.ts";

export interface MessageSizes {
  readonly maxRequestBytes?: number | undefined;
  readonly maxResponseBytes?: number | undefined;
}

/**
 * The method with the limits of its policy on the size of its messages, whichever transport carries them and in either
 * direction. A message over its limit is RESOURCE_EXHAUSTED. Without limits it is the method itself.
 */
export function sized<M extends Method>(method: M, { maxRequestBytes, maxResponseBytes }: MessageSizes): M {
  if (maxRequestBytes === undefined && maxResponseBytes === undefined) return method;
  return Object.freeze({
    ...method,
    request: limited(method.request, {
      maxBytes: maxRequestBytes,
      option: "maxRequestBytes",
      what: `a request of ${method.path}`,
    }),
    response: limited(method.response, {
      maxBytes: maxResponseBytes,
      option: "maxResponseBytes",
      what: `a reply of ${method.path}`,
    }),
  });
}

interface Limit {
  readonly maxBytes: number | undefined;
  readonly option: keyof MessageSizes;
  readonly what: string;
}

function limited<T>(type: MessageType<T>, { maxBytes, option, what }: Limit): MessageType<T> {
  if (maxBytes === undefined) return type;
  const check = (bytes: number, local: boolean): void => {
    if (bytes <= maxBytes) return;
    const why = `${what} has ${bytes} bytes; its policy's ${option} is ${maxBytes}`;
    throw new RpcError(Code.RESOURCE_EXHAUSTED, why, { local });
  };
  return {
    $type: type.$type,
    encode(message) {
      const bytes = type.encode(message).finish();
      check(bytes.length, true);
      return { finish: () => bytes };
    },
    decode(input: Uint8Array | { readonly pos: number; readonly len: number }, length?: number) {
      check(length ?? (input instanceof Uint8Array ? input.length : input.len - input.pos), false);
      return type.decode(input as Uint8Array, length);
    },
    fromPartial: (partial) => type.fromPartial(partial),
  };
}
