import { Call, type Caller, type Reply } from "../core/call.ts";
import { Cancellation } from "../core/cancellation.ts";
import { Code } from "../core/code.ts";
import { now } from "../core/deadline.ts";
import { Metadata } from "../core/metadata.ts";
import type { Method } from "../core/method.ts";
import { RpcError } from "../core/rpc-error.ts";
import { isThenable } from "../core/thenable.ts";
import type { Acceptor, MessageLimits } from "../core/transport.ts";
import { atDeadline } from "./alarm.ts";
import { guardedBy } from "./guarded.ts";
import { type Inbox, inbox } from "./inbox.ts";
import { DEFAULT_MAX_RECEIVE_BYTES, decodeMessage, encodeMessage } from "./message.ts";
import { checkMetadata, checkSentMetadata, DEFAULT_MAX_METADATA_BYTES, sendable } from "./metadata-size.ts";
import { checkSize } from "./oversize.ts";
import { discard, pump } from "./pump.ts";
import type { AnsweringEvents, AnsweringStream } from "./wire-stream.ts";

/** A client's reset may overtake the server's own timer: that close to the deadline, in ms, it is the deadline. */
const overtakenMs = 20;
/** What is smaller fits into the window that a stream begins with. A larger reply may be cut while it is sent. */
const FIRST_WINDOW_BYTES = 65_535;

const nothing = (): void => {};

export interface ServerCallOptions {
  readonly acceptor: Acceptor;
  readonly method: Method;
  readonly metadata: Metadata;
  readonly deadline: number;
  readonly caller: Caller;
  readonly limits: MessageLimits;
  /** The calls under way: this one is among them until it is over. */
  readonly calls: Set<ServerCall>;
}

/** A call that is being answered. */
export interface ServerCall extends AnsweringEvents {
  readonly method: Method;
  /** Ends it now with this status; its handler sees the call cancelled. */
  abort(error: RpcError): void;
}

/** Answers one call on a wire, in whichever of the four shapes: the rules of a call as a handler sees them. */
export function answerOver(stream: AnsweringStream, options: ServerCallOptions): ServerCall {
  const { acceptor, method, metadata, deadline, caller, limits } = options;
  const cancellation = new Cancellation();
  const requests: Inbox<unknown> | undefined = method.requestStream
    ? inbox({ more: () => stream.read(), dropped: nothing })
    : undefined;
  let request: unknown;
  let received = 0;
  let over = false;
  let headerSent = false;
  let stopSending = (): void => {};
  const stopAlarm = atDeadline(deadline, () =>
    abort(new RpcError(Code.DEADLINE_EXCEEDED, `the deadline of ${method.path} passed while the server worked on it`)),
  );
  const guarded = guardedBy(() => over, abort);

  const answering: ServerCall = {
    method,
    message: guarded((bytes: Uint8Array) => {
      checkSize(
        method,
        "request",
        "received",
        bytes.length,
        limits.maxReceiveMessageBytes ?? DEFAULT_MAX_RECEIVE_BYTES,
      );
      received += 1;
      const message = decodeMessage(method, "request", bytes, 0, bytes.length, true);
      if (requests !== undefined) return requests.push(message);
      if (received > 1) throw wrongCount("more than one message");
      request = message;
      stream.read();
    }),
    end: guarded(() => {
      if (requests !== undefined) return requests.end();
      if (received === 0) throw wrongCount("no message");
      handle(request);
    }),
    cancelled(code, message) {
      if (over) return;
      const late = deadline - now() <= overtakenMs;
      finish(new RpcError(late ? Code.DEADLINE_EXCEEDED : code, message));
    },
    abort,
  };

  options.calls.add(answering);
  guarded(() => {
    checkMetadata(metadata, limits.maxMetadataBytes ?? DEFAULT_MAX_METADATA_BYTES);
    if (requests === undefined) stream.read();
    else handle(requests);
  })();
  return answering;

  function handle(messages: unknown): void {
    const call = new Call({ method, request: messages, metadata, deadline, cancellation, caller });
    try {
      const reply = acceptor.handle(call);
      if (isThenable(reply)) Promise.resolve(reply).then(send).catch(failed);
      else send(reply);
    } catch (error) {
      failed(error);
    }
  }

  /** The handler threw, or its reply cannot be sent. */
  function failed(error: unknown): void {
    if (over) cancellation.disown();
    else fail(error);
  }

  function send(reply: Reply): void {
    if (over) {
      cancellation.disown();
      if (method.responseStream) discard(reply.response);
      return;
    }
    const write = (message: unknown, written: () => void): void => {
      stream.write(encoded(message, reply.header), written);
    };
    const end = (): void => {
      sendHeader(reply.header);
      checkSentMetadata(reply.trailer);
      complete(undefined, reply.trailer);
    };
    if (method.responseStream) {
      sendHeader(reply.header);
      stopSending = pump(reply.response, { write, end, fail });
    } else {
      const bytes = encoded(reply.response, reply.header);
      const isLarge = bytes.length >= FIRST_WINDOW_BYTES;
      stream.write(bytes, isLarge ? () => attempt(end) : nothing);
      if (!isLarge) end();
    }
  }

  function encoded(message: unknown, header: Metadata): Uint8Array {
    const bytes = encodeMessage(method, "response", message);
    checkSize(method, "response", "sent", bytes.length, limits.maxSendMessageBytes);
    sendHeader(header);
    return bytes;
  }

  function attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      fail(error);
    }
  }

  function sendHeader(header: Metadata): void {
    if (headerSent) return;
    checkSentMetadata(header);
    headerSent = true;
    stream.header(header);
  }

  function fail(thrown: unknown): void {
    if (over) return;
    // What is no RpcError says more about the server than a client may know.
    const error = RpcError.is(thrown)
      ? sendable(thrown)
      : new RpcError(Code.UNKNOWN, `${method.path} failed`, { cause: thrown, local: true });
    try {
      if (error.header.size > 0) sendHeader(error.header);
      complete(error, error.metadata);
    } catch {
      // The wire cannot carry its metadata: the error itself matters more.
      complete(error.with({ metadata: Metadata.EMPTY, header: Metadata.EMPTY }), Metadata.EMPTY);
    }
  }

  function complete(error: RpcError | undefined, trailer: Metadata): void {
    if (over) return;
    stream.status(error, trailer);
    cancellation.end(error);
    settle();
    // A handler need not read all that it was sent, but one that reads on must not take this for the client's end.
    requests?.fail(new RpcError(Code.CANCELLED, `${method.path} has been answered`));
  }

  /** Ends the call from this side, whatever its handler is doing. */
  function abort(error: RpcError): void {
    if (over) return;
    stream.status(error, error.metadata);
    finish(error);
  }

  function finish(reason: RpcError): void {
    over = true;
    // The reason comes first: who lets go of a stream of replies asks why.
    cancellation.cancel(reason);
    settle();
    requests?.fail(reason);
  }

  function settle(): void {
    over = true;
    stopAlarm();
    stopSending();
    options.calls.delete(answering);
  }

  /** gRPC's own code for the wrong number of messages. https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
  function wrongCount(what: string): RpcError {
    return new RpcError(Code.UNIMPLEMENTED, `${method.path} takes one message; the client sent ${what}`);
  }
}
