import type { Call, Reply } from "../core/call.ts";
import { Code } from "../core/code.ts";
import { Metadata } from "../core/metadata.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { MessageLimits } from "../core/transport.ts";
import { atDeadline } from "./alarm.ts";
import { deadlinePassed, onCancel } from "./cancelled.ts";
import { guardedBy } from "./guarded.ts";
import { type Inbox, inbox } from "./inbox.ts";
import { DEFAULT_MAX_RECEIVE_BYTES, decodeMessage, encodeMessage } from "./message.ts";
import { checkMetadata, DEFAULT_MAX_METADATA_BYTES } from "./metadata-size.ts";
import { checkSize } from "./oversize.ts";
import { pump } from "./pump.ts";
import type { CallingStream, OpenStream } from "./wire-stream.ts";

export interface ClientCallOptions {
  readonly limits: MessageLimits;
  /** For messages. */
  readonly address: string;
  /** The request in bytes, where it is a single message: encoded before a connection was asked for. */
  readonly request: Uint8Array | undefined;
  /** Where the call puts how to end it from outside, for as long as it is under way. */
  readonly underWay: Set<(error: RpcError) => void>;
  /** Called once the call is over, its stream of replies included; with the error where it rejects. */
  readonly over: (error: RpcError | undefined) => void;
}

interface OpenReply {
  response: unknown;
  header: Metadata;
  trailer: Metadata;
}

/**
 * Makes one call over an open connection, in whichever of the four shapes: the rules of a call as its caller sees
 * them. Resolves with the message, or once a stream of replies has opened; rejects with an `RpcError`.
 */
export function callOver(open: OpenStream, call: Call, options: ClientCallOptions): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const { method } = call;
  const { limits, address } = options;
  const maxMetadataBytes = limits.maxMetadataBytes ?? DEFAULT_MAX_METADATA_BYTES;
  const reply: OpenReply = { response: undefined, header: Metadata.EMPTY, trailer: Metadata.EMPTY };
  const responses: Inbox<unknown> | undefined = method.responseStream
    ? inbox({ more: () => stream.read(), dropped: () => giveUp(undefined) })
    : undefined;
  let received = 0;
  let over = false;
  const guarded = guardedBy(() => over, giveUp);

  const stream: CallingStream = open(
    { path: method.path, metadata: call.metadata, deadline: call.deadline },
    {
      header: guarded((metadata: Metadata) => {
        checkMetadata(metadata, maxMetadataBytes);
        reply.header = metadata;
      }),
      message: guarded((bytes: Uint8Array) => {
        checkSize(
          method,
          "response",
          "received",
          bytes.length,
          limits.maxReceiveMessageBytes ?? DEFAULT_MAX_RECEIVE_BYTES,
        );
        accept(decodeMessage(method, "response", bytes, 0, bytes.length, true));
      }),
      status: guarded((error: RpcError | undefined, trailer: Metadata) => {
        checkMetadata(trailer, maxMetadataBytes);
        reply.trailer = trailer;
        finish(late(error) ?? missing());
      }),
    },
  );
  const stopAlarm = atDeadline(call.deadline, () => giveUp(deadlinePassed(call, `while waiting for ${address}`)));
  const stopListening = onCancel(call, giveUp);
  if (!over) options.underWay.add(giveUp);
  // The request may end the call from within its first step, so that this stands before it is taken.
  let stopSending = (): void => {};
  const stop = send();
  if (over) stop();
  else stopSending = stop;
  stream.read();
  return promise;

  function send(): () => void {
    if (options.request !== undefined) {
      stream.write(options.request, () => {});
      stream.end();
      return () => {};
    }
    return pump(call.request, {
      write(message, written) {
        const bytes = encodeMessage(method, "request", message);
        checkSize(method, "request", "sent", bytes.length, limits.maxSendMessageBytes);
        stream.write(bytes, written);
      },
      end: () => stream.end(),
      fail: (error) => giveUp(RpcError.local(error)),
    });
  }

  function accept(message: unknown): void {
    received += 1;
    if (responses !== undefined) {
      reply.response = responses;
      responses.push(message);
      resolve(reply);
      return;
    }
    if (received > 1) throw new RpcError(Code.UNIMPLEMENTED, `${method.path} answered with more than one message`);
    reply.response = message;
    stream.read();
  }

  /** gRPC's own code for the wrong number of messages. https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
  function missing(): RpcError | undefined {
    if (responses !== undefined || received === 1) return undefined;
    return new RpcError(Code.UNIMPLEMENTED, `${method.path} answered OK without a message`);
  }

  /** A server whose clock is a moment ahead ends the stream with CANCEL when the deadline has passed for it. */
  function late(error: RpcError | undefined): RpcError | undefined {
    if (error?.code !== Code.CANCELLED || call.remainingMs > 1) return error;
    return deadlinePassed(call, `while waiting for ${address}`);
  }

  /** Ends the call from this side; without an error where the reader has had enough. */
  function giveUp(error: RpcError | undefined): void {
    if (over) return;
    stream.reset();
    finish(error);
  }

  function finish(error: RpcError | undefined): void {
    over = true;
    options.underWay.delete(giveUp);
    stopAlarm();
    stopListening();
    stopSending();
    let rejectedWith: RpcError | undefined;
    if (error === undefined) {
      reply.response ??= responses;
      responses?.end();
      resolve(reply);
    } else {
      const failure = withHeader(error, reply.header);
      failure.method ??= method.path;
      failure.peer ??= address;
      if (responses !== undefined && received > 0) responses.fail(failure);
      else {
        rejectedWith = failure;
        reject(failure);
      }
    }
    options.over(rejectedWith);
  }
}

/** The error with what came before it, where the server sent something. */
function withHeader(error: RpcError, header: Metadata): RpcError {
  return header.size === 0 ? error : error.with({ header });
}
