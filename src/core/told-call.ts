import type { Call, Handler, Reply } from "./call.ts";
import type { Side } from "./call-facts.ts";
import { counted } from "./counted.ts";
import { now } from "./deadline.ts";
import type { Facts } from "./facts.ts";
import type { RpcError } from "./rpc-error.ts";
import { traceIdOf } from "./trace-id.ts";
import { newTrail, trailKey } from "./trail.ts";
import { watched } from "./watched.ts";

/** Makes a call, and tells when it began and how it ended. Where somebody listens. */
export function toldCall({ on }: Facts, side: Side, next: Handler, call: Call): Promise<Reply> {
  const tell = on["call-ended"];
  const tellBegan = on["call-began"];
  if (tell === undefined && tellBegan === undefined) return next(call);
  const { method } = call;
  const caller = call.caller?.address;
  tellBegan?.({ side, method: method.path, caller });
  if (tell === undefined) return next(call);
  const startedMs = now();
  const trail = newTrail(call.get(trailKey));
  const messages = { requests: method.requestStream ? 0 : 1, responses: 0 };
  const ended = (error: RpcError | undefined): void => {
    const { requests, responses } = messages;
    tell({
      side,
      method: method.path,
      code: error?.codeName ?? "OK",
      error,
      tookMs: now() - startedMs,
      caller,
      peer: trail.address,
      attempts: side === "server" ? 1 : trail.attempts,
      sent: side === "client" ? requests : responses,
      received: side === "client" ? responses : requests,
      trace: trail.trace ?? traceIdOf(call.metadata),
    });
  };
  const counting = async (inner: Call): Promise<Reply> => countedReply(inner, await next(inner), messages);
  return watched(counting, countedRequests(side === "client" ? call.set(trailKey, trail) : call, messages), ended);
}

interface Messages {
  requests: number;
  responses: number;
}

function countedRequests(call: Call, messages: Messages): Call {
  if (!call.method.requestStream) return call;
  const request = counted(call.request as AsyncIterable<unknown>, () => messages.requests++);
  return call.with({ request });
}

function countedReply({ method }: Call, reply: Reply, messages: Messages): Reply {
  if (!method.responseStream) {
    messages.responses = 1;
    return reply;
  }
  return {
    response: counted(reply.response as AsyncIterable<unknown>, () => messages.responses++),
    get header() {
      return reply.header;
    },
    // Complete only once the stream has ended, so it is asked for each time.
    get trailer() {
      return reply.trailer;
    },
  };
}
