import { Code } from "./code.ts";
import type { RpcError } from "./rpc-error.ts";

/** The trailer in which a server of ours says which service it has not, whatever its address was announced for. */
export const UNSERVED = "trunkline-unserved";

/**
 * The service that an error says for sure its server has not, so that no handler can have seen the call. Our own servers
 * say it in a trailer; of others only grpc-go says it in words that nothing else means. Elsewhere UNIMPLEMENTED may be
 * the handler's own.
 */
export function unservedBy({ code, message, metadata, method }: RpcError): string | undefined {
  if (code !== Code.UNIMPLEMENTED) return undefined;
  const service = metadata.get(UNSERVED) ?? /^unknown service (\S+)$/.exec(message)?.[1];
  return service !== undefined && method?.startsWith(`/${service}/`) === true ? service : undefined;
}
