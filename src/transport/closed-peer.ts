import { Code } from "../core/code.ts";
import { RpcError } from "../core/rpc-error.ts";

/** What a peer says that is called when it has been closed: nobody picks it again but a balancer that has kept it. */
export function closedPeer(address: string): RpcError {
  const why =
    `${address} is called no more, since it is listed no more or the channel was closed: ` +
    "a balancer picks from the peers that it was given last";
  return new RpcError(Code.UNAVAILABLE, why, { unprocessed: true });
}
