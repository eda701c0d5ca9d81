import { Code } from "../core/code.ts";
import { RpcError } from "../core/rpc-error.ts";

/** All that a caller learns who brings nothing, or what is not right. */
export function notKnown(): RpcError {
  return new RpcError(Code.UNAUTHENTICATED, "credentials are missing or not valid");
}
