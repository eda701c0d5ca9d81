import { Call, type Reply } from "../../core/call.ts";
import { Cancellation } from "../../core/cancellation.ts";
import { Code } from "../../core/code.ts";
import { NEVER, now } from "../../core/deadline.ts";
import { Metadata } from "../../core/metadata.ts";
import type { Method } from "../../core/method.ts";
import { RpcError } from "../../core/rpc-error.ts";
import { isThenable } from "../../core/thenable.ts";
import { CALL_BYTES } from "../call-room.ts";
import { weightOf } from "../codec/weight.ts";
import type { HeldRequest } from "../held-request.ts";
import { encodeFailure } from "../message.ts";
import { checkSentMetadata, sendable } from "../metadata-size.ts";
import { Oversize, oversized } from "../oversize.ts";
import { checkEncoding, isKnownEncoding, LARGE_BYTES } from "./compression.ts";
import { TRIFLE_BYTES } from "./decoded-in-room.ts";
import { ErrorCode, readUint32 } from "./frame.ts";
import { Inbox, PREFIX_BYTES } from "./inbox.ts";
import { IncomingMessages, type Receiver } from "./incoming-messages.ts";
import type { LateMessage } from "./late-message.ts";
import { discard, OutgoingMessages, type Sender } from "./outgoing-messages.ts";
import { Overrun } from "./overrun.ts";
import type { RequestHead } from "./request-head.ts";
import type { ServerConnection } from "./server-connection.ts";
import { SPARE_BYTES, Stream } from "./stream.ts";

/** A client's reset may overtake our own alarm: that close to the deadline, in ms, it is the deadline. */
const OVERTAKEN_MS = 20;

/** One call that a client makes, from its header block to its trailers. */
export class ServerStream extends Stream implements Receiver, Sender {
  readonly #connection: ServerConnection;
  readonly #head: RequestHead;
  #inbox: Inbox | undefined;
  #requests: IncomingMessages | undefined;
  #late: LateMessage | undefined;
  /** What of its request is decoded, where that is worth counting. */
  #held: HeldRequest | undefined;
  /** The handler reads no further. */
  #unread: boolean = false;
  #cancellation: Cancellation | undefined;
  #replies: OutgoingMessages | undefined;
  /** The reply whose messages are being sent. */
  #reply: Reply | undefined;
  /** The handler is at work, and holds a place on the connection. */
  #running = false;
  #overrun: Overrun | undefined;
  #headerSent = false;
  /** True once its status is sent or nobody waits for it. */
  #over = false;
  /** True while the status waits for the messages before it. */
  #finishing = false;
  #received = 0;

  constructor(connection: ServerConnection, id: number, head: RequestHead) {
    super(id, connection.peer.initialWindowBytes, connection.limits.streamWindowBytes);
    this.#connection = connection;
    this.#head = head;
    if (head.timeoutMs !== NEVER) this.deadline = connection.heardAt + head.timeoutMs;
  }

  /** What it takes of memory while it is open, in bytes. */
  get roomBytes(): number {
    return CALL_BYTES + this.#head.bytes;
  }

  /** `undefined` where its path names none. */
  get method(): Method | undefined {
    return this.#head.method;
  }

  get #method(): Method {
    return this.#head.method as Method;
  }

  /** Looks at what the head says, and begins the call where it need not wait for its message. */
  begin(ended: boolean): void {
    const { oversized, httpStatus, method, encoding, timeoutMs, path } = this.#head;
    this.stalledSince = this.#connection.heardAt;
    if (oversized) this.fail(this.#connection.oversized());
    else if (httpStatus !== 200) this.#refuseHttp(ended);
    else if (method === undefined) this.fail(this.#connection.acceptor.unknown(path));
    else if (encoding !== "identity" && !this.#connection.acceptsCompression) this.fail(compressionRefused(path));
    else if (!isKnownEncoding(encoding)) this.fail(unknownEncoding(encoding));
    else if (Number.isNaN(timeoutMs)) this.fail(new RpcError(Code.INTERNAL, "grpc-timeout cannot be read"));
    else if (method.requestStream) this.#beginStreaming(ended);
    else if (ended) this.fail(this.#wrongCount("no message"));
  }

  #beginStreaming(ended: boolean): void {
    this.#inbox = new Inbox(this.#connection.maxReceiveMessageBytes, this.#connection.memory);
    this.#requests = new IncomingMessages(this.#inbox, this);
    this.stalledSince = 0;
    if (ended) this.#requests.end(undefined);
    this.#dispatch(this.#requests, 0);
  }

  onData(bytes: Buffer, start: number, end: number, ended: boolean): void {
    this.#received += end - start;
    this.arrived += end - start;
    const { contentLength, httpStatus } = this.#head;
    if (contentLength >= 0 && (this.#received > contentLength || (ended && this.#received < contentLength))) {
      this.#connection.breakStream(this, ErrorCode.PROTOCOL_ERROR);
      return;
    }
    if (httpStatus !== 200) {
      this.#connection.budget.read(this, end - start, false);
      if (ended) this.#refuseHttp(true);
      return;
    }
    if (this.#over || this.#finishing) return;
    try {
      if (this.#requests !== undefined) this.#onStreamedData(bytes, start, end, ended);
      else this.#onUnaryData(bytes, start, end, ended);
    } catch (error) {
      this.fail(oversized(this.#method, "request", "received", error));
    }
  }

  #onUnaryData(bytes: Buffer, start: number, end: number, ended: boolean): void {
    if (this.#inbox === undefined) {
      // The rule: the whole message in one frame, uncompressed. It is decoded where it stands.
      const length = end - start - PREFIX_BYTES;
      if (ended && length >= 0 && bytes[start] === 0 && readUint32(bytes, start + 1) === length) {
        if (length > this.#connection.maxReceiveMessageBytes && this.#connection.maxReceiveMessageBytes >= 0) {
          throw new Oversize(length, this.#connection.maxReceiveMessageBytes);
        }
        this.#onWhole(bytes, start + PREFIX_BYTES, end, false);
        return;
      }
      this.#inbox = new Inbox(this.#connection.maxReceiveMessageBytes, this.#connection.memory);
      if (this.deadline !== NEVER) this.#connection.wheel.set(this, this.deadline);
    }
    const inbox = this.#inbox;
    inbox.append(bytes, start, end);
    if (inbox.ready > 1 || (inbox.ready === 1 && inbox.partial)) throw this.#wrongCount("more than one message");
    if (!ended) {
      inbox.granted = this.#connection.budget.expect(this, inbox.missing + SPARE_BYTES);
      return;
    }
    if (!inbox.take()) throw this.#wrongCount(inbox.partial ? "a part of a message" : "no message");
    if (inbox.flag !== 0) checkEncoding(this.#head.encoding);
    inbox.clear();
    this.#inbox = undefined;
    if (inbox.flag !== 0) this.#dispatchLate(this.#head.encoding, inbox.own());
    else if (inbox.end - inbox.start >= LARGE_BYTES) this.#dispatchLate("identity", inbox.own());
    else this.#onWhole(inbox.bytes, inbox.start, inbox.end, inbox.owned);
  }

  /** Its one message has come, neither compressed nor large. */
  #onWhole(bytes: Buffer, start: number, end: number, owned: boolean): void {
    const { decoder } = this.#connection;
    const request = decoder.decode(this.#method, bytes, start, end, owned);
    if (decoder.hasRoom) this.#dispatch(request, decoder.taken);
    else this.#dispatchLate("identity", Buffer.from(bytes.subarray(start, end)));
  }

  #onStreamedData(bytes: Buffer, start: number, end: number, ended: boolean): void {
    if (this.#unread) return;
    const inbox = this.#inbox as Inbox;
    inbox.append(bytes, start, end);
    if (!inbox.partial || ended) {
      this.stalledSince = 0;
      this.arrived = 0;
    } else if (this.stalledSince === 0) this.stalledSince = this.#connection.heardAt;
    if (inbox.partial) inbox.granted = this.#connection.budget.expect(this, inbox.missing);
    this.#requests?.wake();
    if (!ended) return;
    if (inbox.partial) throw new RpcError(Code.INTERNAL, "the stream of requests ended within a message");
    this.#requests?.end(undefined);
  }

  /** The next message of a stream, of which the one before is held no longer. */
  decodeTaken(inbox: Inbox): unknown {
    const { decoder } = this.#connection;
    if (inbox.flag === 0 && inbox.end - inbox.start < LARGE_BYTES) {
      const message = decoder.decode(this.#method, inbox.bytes, inbox.start, inbox.end, inbox.owned);
      if (decoder.hasRoom) {
        this.#hold(message, decoder.taken);
        return message;
      }
    }
    const encoding = inbox.flag === 0 ? "identity" : this.#head.encoding;
    if (inbox.flag !== 0) checkEncoding(encoding);
    this.#held ??= decoder.held();
    const { mustBeWanted } = this.#requests as IncomingMessages;
    return decoder.whenRoom(this.#method, encoding, inbox.own(), this.#held, mustBeWanted);
  }

  /** The handler has it, and keeps it for as long as it works. */
  #hold(request: unknown, taken: number): void {
    if (taken <= TRIFLE_BYTES) return;
    this.#held ??= this.#connection.decoder.held();
    this.#held.set(weightOf(request, taken));
  }

  /** The call is let in first, and then its request is decoded. */
  #dispatchLate(encoding: string, bytes: Buffer): void {
    const { decoder } = this.#connection;
    this.#held = decoder.held();
    this.#late = decoder.late(this.#method, encoding, bytes, this.#held);
    this.#dispatch(undefined, 0);
  }

  override get roomOfRequest(): number {
    const { requestStream, responseStream } = this.#method;
    return requestStream || responseStream ? 0 : (this.#held?.bytes ?? 0);
  }

  /** What waits, as it came, for handlers to let go of theirs, in bytes. */
  get waitingBytes(): number {
    return this.#late?.waitingBytes ?? 0;
  }

  onNext(): void {
    if (this.#held !== undefined && !this.#held.isWaiting) this.#held.set(0);
  }

  onRead(bytes: number, empty: boolean): void {
    if (!this.closed) this.#connection.budget.read(this, bytes, empty);
  }

  /** The handler reads no further: what still comes is dropped, and holds nothing back from others. */
  onReaderGone(): void {
    this.#unread = true;
    this.stalledSince = 0;
    this.#freeHeld();
    this.#connection.budget.release(this);
  }

  onUnreadable(thrown: RpcError): RpcError {
    const error = this.#named(thrown);
    this.#endEarly(error);
    return error;
  }

  /** What decompresses a message does not know whose it is. */
  #named(error: RpcError): RpcError {
    return RpcError.from(oversized(this.#head, "request", "received", error));
  }

  /** @param taken what the request takes at least, in bytes */
  #dispatch(request: unknown, taken: number): void {
    this.stalledSince = 0;
    const connection = this.#connection;
    // Its message has been taken: what stood open for it is for others, however long the handler is at work.
    if (this.#requests === undefined) connection.budget.release(this);
    const cancellation = new Cancellation();
    this.#cancellation = cancellation;
    const { metadata } = this.#head;
    const { deadline } = this;
    try {
      const call = new Call({
        method: this.#method,
        request,
        late: this.#late,
        metadata,
        deadline,
        cancellation,
        caller: connection.caller,
      });
      const reply = connection.acceptor.handle(call);
      if (!isThenable(reply)) {
        this.#answer(reply);
        return;
      }
      connection.running++;
      this.#running = true;
      this.#hold(request, taken);
      if (deadline !== NEVER) connection.wheel.set(this, deadline);
      Promise.resolve(reply).then(
        (reply) => this.#replied(reply),
        (error) => this.#rejected(error),
      );
    } catch (error) {
      this.fail(error);
    }
  }

  #handlerDone(): void {
    this.#running = false;
    if (this.#over) this.#freeHeld();
    if (this.#overrun === undefined) this.#connection.handlerDone();
    else this.#overrun.done();
  }

  #replied(reply: Reply): void {
    this.#handlerDone();
    if (this.#over) this.#cancellation?.disown();
    try {
      this.#answer(reply);
    } catch (error) {
      this.fail(error);
    }
  }

  #rejected(error: unknown): void {
    this.#handlerDone();
    if (this.#over) this.#cancellation?.disown();
    this.fail(error);
  }

  #answer(reply: Reply): void {
    const method = this.#method;
    if (this.#over) {
      if (method.responseStream) discard(reply.response);
      return;
    }
    this.#reply = reply;
    this.#sendHeader(reply.header);
    // The client may have left too much unread.
    if (this.#over) {
      if (method.responseStream) discard(reply.response);
      return;
    }
    if (method.responseStream) {
      this.#replies = new OutgoingMessages(reply.response, this);
      if (this.deadline !== NEVER && this.slot < 0) this.#connection.wheel.set(this, this.deadline);
      this.#replies.start();
      return;
    }
    const sent = this.send(reply.response);
    if (typeof sent === "boolean") this.#finish();
    else {
      sent.then(
        () => this.#finish(),
        (error) => this.fail(error),
      );
    }
  }

  send(message: unknown): boolean | Promise<boolean> {
    const connection = this.#connection;
    const method = this.#method;
    try {
      const encoding = connection.compressionFor(this.#head);
      if (encoding === "identity") return connection.sender.send(this, method.response, message, false) || this.#park();
      return this.#sendCompressed(encoding, connection.sender.encode(method.response, message));
    } catch (error) {
      throw encodeFailure(method, "response", message, error);
    }
  }

  async #sendCompressed(encoding: "gzip" | "deflate", framed: Buffer): Promise<boolean> {
    await this.#connection.sender.sendCompressed(this, encoding, framed, false);
    return false;
  }

  /** Waits for room, where nothing is pending that would tell. */
  #park(): false {
    if (this.pending === undefined) this.#connection.sender.wait(this);
    return false;
  }

  onRoom(): void {
    if (this.#finishing) this.#finish();
    else this.#replies?.resume();
  }

  onSourceEnd(): void {
    this.#finish();
  }

  onSourceError(error: unknown): void {
    this.fail(error);
  }

  /** Sends the status OK behind the messages that are pending. */
  #finish(): void {
    if (this.#over) return;
    this.#finishing = true;
    if (this.pending !== undefined) {
      // A handler that answered at once set no alarm, and its client need not take the answer.
      if (this.deadline !== NEVER && this.slot < 0) this.#connection.wheel.set(this, this.deadline);
      return;
    }
    const { trailer } = this.#reply as Reply;
    try {
      if (trailer !== Metadata.EMPTY) checkSentMetadata(trailer);
    } catch (error) {
      this.fail(error);
      return;
    }
    this.#end(undefined, trailer);
  }

  /** Ends the call with an error; messages that are pending are dropped. */
  fail(thrown: unknown): void {
    if (this.#over) return;
    // What is no RpcError says more about the server than a client may know.
    const error = RpcError.is(thrown)
      ? sendable(this.#named(thrown))
      : new RpcError(Code.UNKNOWN, `${this.#head.path} failed`, { cause: thrown, local: true });
    if (!this.#headerSent && error.header.size > 0) this.#sendHeaderOf(error);
    this.#replies?.stop();
    this.#end(error, error.metadata);
  }

  /** Ends the call with an error before its handler is done. */
  #endEarly(error: RpcError): void {
    if (this.#over) return;
    this.#cancellation?.cancel(error);
    this.fail(error);
  }

  /** Ends the call from outside, whatever its handler is doing. */
  abort(error: RpcError): void {
    this.#requests?.abort(error);
    this.#endEarly(error);
  }

  #sendHeader(header: Metadata): void {
    if (header !== Metadata.EMPTY) checkSentMetadata(header);
    this.#headerSent = true;
    this.#connection.writeResponseHeader(this.id, header, this.#connection.compressionFor(this.#head));
  }

  #sendHeaderOf(error: RpcError): void {
    try {
      this.#sendHeader(error.header);
    } catch {
      // Too large to send: the error itself matters more.
    }
  }

  #end(error: RpcError | undefined, trailer: Metadata): void {
    this.#connection.sender.drop(this);
    this.#settle();
    // The handler of a call that was cancelled goes on, and what it calls belongs to that call until it is done.
    if (this.#cancellation?.reason === undefined) this.#cancellation?.end(error);
    this.#connection.writeTrailers(this.id, error, trailer, this.#headerSent);
    // A handler need not read all that it was sent, but one that reads on must not take this for the client's end.
    this.#requests?.abort(error ?? new RpcError(Code.CANCELLED, `${this.#method.path} has been answered`));
    this.#connection.endStream(this);
  }

  /** Its message has not come, and does not come fast enough. */
  onStalled(): void {
    this.abort(new RpcError(Code.DEADLINE_EXCEEDED, `the request of ${this.#head.path} did not come in time`));
  }

  ring(): void {
    const why = `the deadline of ${this.#head.path} passed while the server worked on it`;
    this.abort(new RpcError(Code.DEADLINE_EXCEEDED, why));
  }

  onReset(code: number): void {
    this.#cancelled(code === ErrorCode.CANCEL ? "the client cancelled it" : `the client reset it (${code})`);
  }

  onLost(reason: string): void {
    this.#cancelled(`the connection was lost: ${reason}`);
  }

  #cancelled(why: string): void {
    if (this.#over) return;
    this.#settle();
    // An error costs more than all else here, and of a call that has not begun nobody is told.
    if (this.#cancellation === undefined && this.#requests === undefined) return;
    const late = this.deadline - now() <= OVERTAKEN_MS;
    const code = late ? Code.DEADLINE_EXCEEDED : Code.CANCELLED;
    const reason = new RpcError(code, late ? `the deadline of ${this.#head.path} passed` : why);
    this.#cancellation?.cancel(reason);
    this.#requests?.abort(reason);
    this.#replies?.stop();
  }

  #settle(): void {
    this.#over = true;
    this.#connection.wheel.clear(this);
    this.#inbox?.clear();
    this.#inbox = undefined;
    this.#late?.drop();
    if (this.#running) this.#overrun ??= new Overrun(this.#connection, this.#method, this.#held);
    else this.#freeHeld();
  }

  #freeHeld(): void {
    if (this.#held === undefined) return;
    if (this.#held.isWaiting) this.#held.leave(notRead);
    this.#held.set(0);
  }

  /** Answers what is not gRPC once the whole request has come. */
  #refuseHttp(ended: boolean): void {
    if (!ended || this.#over) return;
    this.#settle();
    this.#connection.refuseHttp(this, this.#head.httpStatus);
  }

  /** gRPC's own code for the wrong number of messages. https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
  #wrongCount(what: string): RpcError {
    return new RpcError(Code.UNIMPLEMENTED, `${this.#head.path} takes one message; the client sent ${what}`);
  }
}

const notRead = new RpcError(Code.CANCELLED, "the call is over; its request was not decoded");

function unknownEncoding(encoding: string): RpcError {
  return new RpcError(Code.UNIMPLEMENTED, `grpc-encoding ${encoding} is not supported; gzip and deflate are`);
}

function compressionRefused(path: string): RpcError {
  return new RpcError(Code.UNIMPLEMENTED, `${path} takes no compressed requests here: send them as identity`);
}
