import { type Handler, type Interceptor, intercept, type Reply, valueKey } from "../core/call.ts";
import { noReply } from "../core/no-reply.ts";
import { RpcError } from "../core/rpc-error.ts";
import { isSimulated } from "../core/simulated.ts";

interface Progress {
  handedOn: boolean;
}

/**
 * Wraps a handler in a client's interceptors. What one of them fails with before the call was handed on was made on this
 * side: it is `local`, an RpcError too. What comes after that may be a server's, in whatever words.
 */
export function interceptOwn(handler: Handler, interceptors: readonly Interceptor[]): Handler {
  if (interceptors.length === 0) return handler;
  const progressKey = valueKey<Progress>("how far the interceptors of a client have come");
  const handOn: Handler = (call) => {
    const progress = call.get(progressKey);
    if (progress !== undefined) progress.handedOn = true;
    return handler(call);
  };
  const handle = intercept(handOn, interceptors);
  return async (call) => {
    const progress: Progress = { handedOn: false };
    try {
      const reply: Reply | undefined = await handle(call.set(progressKey, progress));
      return reply ?? raise(noReply(call.method));
    } catch (error) {
      throw progress.handedOn || isSimulated(error) ? error : RpcError.local(error);
    }
  };
}

function raise(error: RpcError): never {
  throw error;
}
