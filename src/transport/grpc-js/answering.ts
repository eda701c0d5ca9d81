import { type Metadata as GrpcMetadata, type ServerInterceptingCallInterface, status as Status } from "@grpc/grpc-js";
import { Code } from "../../core/code.ts";
import { NEVER, now } from "../../core/deadline.ts";
import type { Metadata } from "../../core/metadata.ts";
import type { Method } from "../../core/method.ts";
import { RpcError } from "../../core/rpc-error.ts";
import { oversized } from "../oversize.ts";
import { encodeDetails } from "../rich-status.ts";
import { answerOver, type ServerCall, type ServerCallOptions } from "../server-call.ts";
import type { AnsweringStream } from "../wire-stream.ts";
import { asBuffer, asBytes, fromGrpc, toGrpc } from "./metadata.ts";
import { oversizeIn } from "./oversize-words.ts";

/** Answers one call of a grpc-js server. */
export function answer(
  call: ServerInterceptingCallInterface,
  options: Omit<ServerCallOptions, "metadata" | "deadline">,
): void {
  let answering: ServerCall | undefined;
  const stream = streamOf(call);
  wordRefusals(call, options.method);
  call.start({
    onReceiveMetadata(metadata: GrpcMetadata) {
      const deadline = deadlineOf(call);
      answering = answerOver(stream, { ...options, metadata: fromGrpc(metadata), deadline });
    },
    onReceiveMessage: (bytes: Buffer) => answering?.message(asBytes(bytes)),
    onReceiveHalfClose() {
      if (options.method.requestStream) unlessCancelled(call, () => answering?.end());
      else answering?.end();
    },
    // Comes for every call that is over; `answering` ignores it where it was ended from here.
    onCancel: () => answering?.cancelled(Code.CANCELLED, "the client gave the call up, or its connection broke"),
  });
}

/** What grpc-js ends a call with by itself is said in the words of every transport. */
function wordRefusals(call: ServerInterceptingCallInterface, method: Method): void {
  const { sendStatus } = call;
  call.sendStatus = (status) => {
    const over = oversizeIn(status.details ?? "");
    const error = over && RpcError.from(oversized(method, "request", "received", over));
    sendStatus.call(call, error === undefined ? status : { ...status, details: error.message });
  };
}

/**
 * Node tells of the end of a stream whose connection broke, or that was reset, before it tells of either; and a client
 * that is grpc-js by itself ends a stream before it cancels it, in two writes. So the end waits for a turn, and asking
 * grpc-js for more then makes it look at the stream: where that is gone, `onCancel` comes before the next tick. A second
 * write that comes later than a turn is missed.
 */
function unlessCancelled(call: ServerInterceptingCallInterface, end: () => void): void {
  setImmediate(() => {
    call.startRead();
    process.nextTick(end);
  });
}

/** Ends a call of which nothing is known but that it cannot be answered. */
export function answerUnknown(call: ServerInterceptingCallInterface, thrown: unknown): void {
  const error = RpcError.from(thrown, Code.UNIMPLEMENTED);
  const nothing = (): void => {};
  call.start({
    onReceiveMetadata: () => streamOf(call).status(error, error.metadata),
    onReceiveMessage: nothing,
    onReceiveHalfClose: nothing,
    onCancel: nothing,
  });
}

function streamOf(call: ServerInterceptingCallInterface): AnsweringStream {
  const sendStatus = call.sendStatus.bind(call);
  return {
    header: (metadata) => call.sendMetadata(toGrpc(metadata)),
    write(bytes, written) {
      call.sendMessage(asBuffer(bytes), () => {
        if (!isGone(call)) written();
      });
    },
    status: (error, trailer) => sendStatus(statusOf(error, trailer)),
    read: () => call.startRead(),
  };
}

/** Node takes what was to be written on a stream for written when that was reset, before it tells of the reset. */
function isGone(call: ServerInterceptingCallInterface): boolean {
  const { stream } = call as unknown as { stream?: { closed?: boolean; destroyed?: boolean } };
  return stream?.closed === true || stream?.destroyed === true;
}

function statusOf(error: RpcError | undefined, trailer: Metadata) {
  const metadata = toGrpc(trailer);
  if (error === undefined) return { code: Status.OK, details: "", metadata };
  const details = encodeDetails(error);
  if (details !== undefined) metadata.set("grpc-status-details-bin", asBuffer(details));
  // grpc-js throws over half of a surrogate pair.
  return { code: error.code as number, details: error.message.toWellFormed(), metadata };
}

/** From grpc-js's clock, which may jump, to ours. */
function deadlineOf(call: ServerInterceptingCallInterface): number {
  const deadline = Number(call.getDeadline());
  return deadline === Number.POSITIVE_INFINITY ? NEVER : now() + deadline - Date.now();
}
