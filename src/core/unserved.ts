import { Code } from "./code.ts";
import type { RpcError } from "./rpc-error.ts";

/** The trailer in which a server of ours says which service it has not, whatever its address was announced for. */
export const UNSERVED = "trunkline-unserved";

/**
 * Whether an error says for sure that the server has no such service, so that no handler can have seen the call. Our own
 * servers say it in a trailer; of others only grpc-go says it in words that nothing else means. Elsewhere UNIMPLEMENTED
 * may be the handler's own.
 */
export function saysUnserved(error: RpcError, service: string): boolean {
  if (error.code !== Code.UNIMPLEMENTED) return false;
  return error.metadata.get(UNSERVED) === service || error.message === `unknown service ${service}`;
}
