import type { ClientHttp2Stream } from "node:http2";
import { addAbortSignal } from "node:stream";
import { type Channel, status as Status } from "@grpc/grpc-js";

type CallOnChannel = ReturnType<Channel["createCall"]>;

/** Where grpc-js keeps the HTTP/2 stream of a call: in the call that it made in the call that it made in the call. */
interface Inside {
  readonly child?: {
    readonly underlyingCalls?: readonly {
      readonly call?: { readonly child?: { readonly http2Stream?: ClientHttp2Stream } };
    }[];
  };
}

/**
 * Cancels a call so that the server sees it cancelled and nothing else. grpc-js would close the stream, and Node then
 * tells the server first that all requests have come, and only then that the call was cancelled: half an upload would
 * look like a whole one. A stream that an AbortSignal destroys says CANCEL alone. Where a later version of grpc-js keeps
 * the stream elsewhere, its own behaviour is what is left.
 */
export function giveUp(call: CallOnChannel): void {
  const begun = cancel(call);
  // grpc-js forgets the cancellation of a call that it has not begun, begins it a moment later, and never ends it.
  if (!begun) setImmediate(() => cancel(call));
}

/** Whether the call had begun. */
function cancel(call: CallOnChannel): boolean {
  const attempts = (call as unknown as Inside).child?.underlyingCalls ?? [];
  const streams = attempts.flatMap(({ call: attempt }) => attempt?.child?.http2Stream ?? []);
  for (const stream of streams) {
    if (!stream.closed && !stream.destroyed && !stream.writableEnded) addAbortSignal(AbortSignal.abort(), stream);
  }
  call.cancelWithStatus(Status.CANCELLED, "cancelled");
  return streams.length > 0;
}
