import { Code } from "./code.ts";
import type { Method } from "./method.ts";
import { RpcError } from "./rpc-error.ts";

/** What a call fails with whose interceptor returned nothing, or resolved with nothing. */
export function noReply({ path }: Method): RpcError {
  const why = `an interceptor gave no reply to ${path}: return what next(call) returns`;
  return new RpcError(Code.INTERNAL, why, { local: true, method: path });
}
