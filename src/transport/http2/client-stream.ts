import type { Call, Reply } from "../../core/call.ts";
import { Code } from "../../core/code.ts";
import { NEVER, now } from "../../core/deadline.ts";
import { Metadata } from "../../core/metadata.ts";
import { RpcError, type RpcErrorOptions } from "../../core/rpc-error.ts";
import { isThenable } from "../../core/thenable.ts";
import { deadlinePassed } from "../cancelled.ts";
import { decodeMessage, encodeFailure } from "../message.ts";
import { oversized } from "../oversize.ts";
import type { ClientConnection } from "./client-connection.ts";
import { checkEncoding, decodedInTurn, LARGE_BYTES } from "./compression.ts";
import { ErrorCode, errorCodeName, readUint32 } from "./frame.ts";
import { Inbox, PREFIX_BYTES } from "./inbox.ts";
import { IncomingMessages, type Receiver } from "./incoming-messages.ts";
import { OutgoingMessages, type Sender } from "./outgoing-messages.ts";
import { type ResponseHead, statusOfHttp } from "./response-head.ts";
import { SPARE_BYTES, Stream } from "./stream.ts";

/** A server's reset may overtake our own alarm: that close to the deadline, in ms, it is the deadline. */
const OVERTAKEN_MS = 20;
const NO_MESSAGE = Symbol("no message");

/** One call that we make, from its header block to its status. */
export class ClientStream extends Stream implements Receiver, Sender {
  readonly #connection: ClientConnection;
  readonly #call: Call;
  #resolve!: (reply: Reply) => void;
  #reject!: (error: RpcError) => void;
  #head: ResponseHead | undefined;
  #trailer: Metadata = Metadata.EMPTY;
  /** The one message of a unary reply, where it was decoded as it came. */
  #message: unknown = NO_MESSAGE;
  #inbox: Inbox | undefined;
  #responses: IncomingMessages | undefined;
  #requests: OutgoingMessages | undefined;
  #opened = false;
  /** The whole answer has come, though a message of it may still be under decompression: nothing changes it now. */
  #answered: boolean = false;
  /** True while the first message of a stream of replies is being decompressed. */
  #opening = false;
  /** The status, where it came meanwhile. */
  #status: { readonly error: RpcError | undefined } | undefined;
  #over = false;
  #onCancel: ((reason: RpcError) => void) | undefined;

  constructor(connection: ClientConnection, id: number, call: Call) {
    super(id, connection.peer.initialWindowBytes, connection.limits.streamWindowBytes);
    this.#connection = connection;
    this.#call = call;
    if (call.method.responseStream) {
      this.#inbox = new Inbox(connection.maxReceiveMessageBytes, connection.memory);
      this.#responses = new IncomingMessages(this.#inbox, this);
    }
  }

  /** The promise of the reply. */
  promise(): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Sends the request; its header block has been written. */
  begin(): void {
    const call = this.#call;
    if (call.deadline !== NEVER) this.#connection.wheel.set(this, call.deadline);
    if (call.cancellation !== undefined) {
      this.#onCancel = (reason) => this.#giveUp(reason);
      call.cancellation.onCancel(this.#onCancel);
      if (this.#over) return;
    }
    try {
      if (call.method.requestStream) {
        this.#requests = new OutgoingMessages(call.request, this);
        this.#requests.start();
      } else this.#sendOnly(call.request);
    } catch (error) {
      this.fail(error);
    }
  }

  /** It could not be begun. */
  fail(error: unknown): void {
    this.#giveUp(RpcError.local(error, Code.INTERNAL));
  }

  #sendOnly(message: unknown): void {
    const { method } = this.#call;
    const encoding = this.#connection.compression;
    try {
      if (encoding === "identity") this.#connection.sender.send(this, method.request, message, true);
      else {
        const framed = this.#connection.sender.encode(method.request, message);
        this.#connection.sender.sendCompressed(this, encoding, framed, true).catch((error) => this.#failed(error));
      }
    } catch (error) {
      throw encodeFailure(method, "request", message, error);
    }
  }

  send(message: unknown): boolean | Promise<boolean> {
    const { method } = this.#call;
    const encoding = this.#connection.compression;
    if (encoding !== "identity") return this.#sendCompressed(encoding, message);
    try {
      if (this.#connection.sender.send(this, method.request, message, false)) return true;
    } catch (error) {
      throw encodeFailure(method, "request", message, error);
    }
    if (this.pending === undefined) this.#connection.sender.wait(this);
    return false;
  }

  async #sendCompressed(encoding: "gzip" | "deflate", message: unknown): Promise<boolean> {
    const { method } = this.#call;
    let framed: Buffer;
    try {
      framed = this.#connection.sender.encode(method.request, message);
    } catch (error) {
      throw encodeFailure(method, "request", message, error);
    }
    await this.#connection.sender.sendCompressed(this, encoding, framed, false);
    return false;
  }

  #failed(error: unknown): void {
    this.#giveUp(RpcError.from(error, Code.INTERNAL));
  }

  onRoom(): void {
    this.#requests?.resume();
  }

  onSourceEnd(): void {
    if (!this.#over) this.#connection.sender.end(this);
  }

  onSourceError(error: unknown): void {
    this.#giveUp(RpcError.local(error));
  }

  // Receiving.

  onHead(head: ResponseHead, ended: boolean): void {
    if (head.malformed !== undefined) {
      this.#violated(head.malformed);
      return;
    }
    if (head.oversized) {
      this.#giveUp(this.#connection.oversized());
      return;
    }
    if (this.#head !== undefined) {
      ended ? this.#onTrailers(head) : this.#violated("a second header block");
      return;
    }
    if (head.httpStatus >= 100 && head.httpStatus < 200 && !ended) {
      this.#connection.interim();
      return;
    }
    if (head.httpStatus === 0) {
      this.#violated("a header block without :status");
      return;
    }
    if (ended) {
      this.#onTrailers(head);
      return;
    }
    if (head.httpStatus !== 200 || !head.grpc) {
      const { code, message } = statusOfHttp(head);
      this.#giveUp(new RpcError(code, message, { metadata: head.metadata }));
      return;
    }
    this.#head = head;
  }

  #violated(what: string): void {
    this.#connection.resetStream(this, ErrorCode.PROTOCOL_ERROR);
    this.#finish(new RpcError(Code.INTERNAL, `${this.#connection.address} broke HTTP/2: ${what}`));
  }

  onData(bytes: Buffer, start: number, end: number, ended: boolean): void {
    if (this.#over) return;
    if (this.#head === undefined) {
      this.#violated("data before the header block");
      return;
    }
    try {
      if (this.#responses !== undefined) this.#onStreamedData(bytes, start, end);
      else this.#onUnaryData(bytes, start, end);
    } catch (error) {
      const failure = oversized(this.#call.method, "response", "received", error);
      this.#giveUp(RpcError.from(failure, Code.INTERNAL));
      return;
    }
    if (ended) this.#finish(new RpcError(Code.INTERNAL, "the server ended the stream without a status"));
  }

  #onUnaryData(bytes: Buffer, start: number, end: number): void {
    if (this.#inbox === undefined) {
      // The rule: the whole message in one frame, uncompressed. It is decoded where it stands.
      const length = end - start - PREFIX_BYTES;
      const most = this.#connection.maxReceiveMessageBytes;
      const fits = most < 0 || length <= most;
      if (length >= 0 && fits && this.#message === NO_MESSAGE && bytes[start] === 0) {
        if (readUint32(bytes, start + 1) === length) {
          this.#message = this.#decode(bytes, start + PREFIX_BYTES, end);
          if (this.window <= 0) this.#connection.budget.expect(this, SPARE_BYTES);
          return;
        }
      }
      if (end === start) return;
      this.#inbox = new Inbox(most, this.#connection.memory);
    }
    const inbox = this.#inbox;
    inbox.append(bytes, start, end);
    if (this.#message !== NO_MESSAGE || inbox.ready > 1 || (inbox.ready === 1 && inbox.partial)) {
      const why = `${this.#call.method.path} answered with more than one message`;
      throw new RpcError(Code.UNIMPLEMENTED, why);
    }
    inbox.granted = this.#connection.budget.expect(this, inbox.missing + SPARE_BYTES);
  }

  #onStreamedData(bytes: Buffer, start: number, end: number): void {
    const inbox = this.#inbox as Inbox;
    inbox.append(bytes, start, end);
    if (inbox.partial) inbox.granted = this.#connection.budget.expect(this, inbox.missing);
    if (inbox.ready === 0) return;
    if (this.#opened) {
      this.#responses?.wake();
      return;
    }
    if (this.#opening) return;
    const primed = this.#responses?.prime();
    if (primed === undefined) {
      this.#open();
      return;
    }
    this.#opening = true;
    primed.then(
      () => this.#primed(),
      (error) => this.#failed(error),
    );
  }

  #primed(): void {
    if (this.#over) return;
    this.#open();
    if (this.#status !== undefined) this.#finish(this.#status.error);
  }

  /** The stream of replies stands. */
  #open(): void {
    this.#opened = true;
    this.#opening = false;
    const stream = this;
    this.#resolve({
      response: this.#responses,
      header: this.#head?.metadata ?? Metadata.EMPTY,
      get trailer() {
        return stream.#trailer;
      },
    });
  }

  decodeTaken(inbox: Inbox): unknown {
    if (inbox.flag === 0 && inbox.end - inbox.start < LARGE_BYTES) {
      return this.#decode(inbox.bytes, inbox.start, inbox.end, inbox.owned);
    }
    const encoding = inbox.flag === 0 ? "identity" : (this.#head?.encoding ?? "identity");
    if (inbox.flag !== 0) checkEncoding(encoding);
    const { memory, maxReceiveMessageBytes: maxBytes } = this.#connection;
    const mustBeWanted = this.#responses?.mustBeWanted ?? (() => this.#mustWait());
    const decode = (bytes: Buffer): unknown => this.#decode(bytes, 0, bytes.length, true);
    return decodedInTurn({ encoding, bytes: inbox.own(), maxBytes, memory, decode, mustBeWanted });
  }

  #mustWait(): void {
    if (this.#over) throw new RpcError(Code.CANCELLED, "the call is over; its reply was not decoded");
  }

  #decode(bytes: Buffer, start: number, end: number, owned = false): unknown {
    return decodeMessage(this.#call.method, "response", bytes, start, end, owned);
  }

  onRead(bytes: number, empty: boolean): void {
    if (!this.closed) this.#connection.budget.read(this, bytes, empty);
  }

  onReaderGone(): void {
    if (this.#over) return;
    this.#connection.resetStream(this, ErrorCode.CANCEL);
    this.#settle();
  }

  onUnreadable(thrown: RpcError): RpcError {
    const error = this.#named(thrown);
    this.#giveUp(error);
    return error;
  }

  /** What decompresses a message does not know whose it is. */
  #named(error: RpcError): RpcError {
    return RpcError.from(oversized(this.#call.method, "response", "received", error));
  }

  #onTrailers(head: ResponseHead): void {
    this.#trailer = head.metadata;
    this.#answered = true;
    const error = head.code === Code.OK ? undefined : this.#errorOf(head);
    if (this.#opening) this.#status = { error };
    else if (error === undefined) this.#succeed();
    else this.#finish(error);
  }

  #errorOf(head: ResponseHead): RpcError {
    const { code, message, details, metadata } = head;
    if (code !== undefined) return this.#error(code, message, { details, metadata });
    const http = head.httpStatus === 0 ? undefined : statusOfHttp(head);
    const why = http?.message ?? "the server ended the call without a status";
    return this.#error(http?.code ?? Code.UNKNOWN, why, { metadata });
  }

  #succeed(): void {
    const inbox = this.#inbox;
    if (inbox?.partial === true) {
      this.#finish(new RpcError(Code.INTERNAL, "the server ended the stream within a message"));
      return;
    }
    if (this.#responses !== undefined || this.#message !== NO_MESSAGE) {
      this.#finish(undefined);
      return;
    }
    if (inbox === undefined || !inbox.take()) {
      const why = `${this.#call.method.path} answered OK without a message`;
      this.#finish(new RpcError(Code.UNIMPLEMENTED, why));
      return;
    }
    try {
      const message = this.decodeTaken(inbox);
      if (!isThenable(message)) this.#succeedWith(message);
      else {
        message.then(
          (decoded) => this.#succeedWith(decoded),
          (error) => this.#finish(this.#named(RpcError.from(error, Code.INTERNAL))),
        );
      }
    } catch (error) {
      this.#finish(RpcError.from(error, Code.INTERNAL));
    }
  }

  #succeedWith(message: unknown): void {
    this.#message = message;
    this.#finish(undefined);
  }

  // Ending.

  ring(): void {
    this.#giveUp(deadlinePassed(this.#call, `while waiting for ${this.#connection.address}`));
  }

  onReset(code: number): void {
    if (this.#answered) {
      this.#requests?.stop();
      return;
    }
    const late = this.#call.deadline - now() <= OVERTAKEN_MS;
    if (late && code === ErrorCode.CANCEL) {
      this.ring();
      return;
    }
    const why = `${this.#connection.address} reset the call: ${errorCodeName(code)}`;
    this.#finish(this.#error(codeOfReset(code), why, { unprocessed: code === ErrorCode.REFUSED_STREAM }));
  }

  onLost(reason: string): void {
    if (this.#answered) {
      this.#requests?.stop();
      return;
    }
    const why = `the connection to ${this.#connection.address} was lost: ${reason}`;
    this.#finish(this.#error(Code.UNAVAILABLE, why, { disconnected: true }));
  }

  /** The server has said that it will not look at this call. */
  onRefused(): void {
    this.#connection.resetStream(this, ErrorCode.CANCEL);
    const why = `${this.#connection.address} goes away and did not look at the call`;
    this.#finish(new RpcError(Code.UNAVAILABLE, why, { unprocessed: true }));
  }

  /** The same, and there is somebody to make the call all the same, where its request can be sent once more. */
  goElsewhere(make: (call: Call) => Promise<Reply>): void {
    if (this.#call.method.requestStream || this.#opened) {
      this.onRefused();
      return;
    }
    this.#connection.resetStream(this, ErrorCode.CANCEL);
    this.#release();
    make(this.#call).then(this.#resolve, this.#reject);
  }

  /** Ends the call from our side. */
  #giveUp(error: RpcError): void {
    if (this.#over) return;
    this.#connection.giveUp(this);
    this.#finish(error);
  }

  #error(code: Code, message: string, options: RpcErrorOptions = {}): RpcError {
    return new RpcError(code, message, { ...options, header: this.#head?.metadata ?? Metadata.EMPTY });
  }

  #finish(error: RpcError | undefined): void {
    if (this.#over) return;
    if (error !== undefined) {
      error.method ??= this.#call.method.path;
      error.peer ??= this.#connection.address;
    }
    this.#settle();
    // An answer before the request has ended: what is left of the request is of no use.
    if (!this.closed && !this.localEnded) this.#connection.resetStream(this, ErrorCode.NO_ERROR);
    if (this.#responses !== undefined) this.#finishStream(this.#responses, error);
    else if (error !== undefined) this.#reject(error);
    else {
      const header = this.#head?.metadata ?? Metadata.EMPTY;
      this.#resolve({ response: this.#message, header, trailer: this.#trailer });
    }
  }

  #finishStream(responses: IncomingMessages, error: RpcError | undefined): void {
    if (error !== undefined && !this.#opened) {
      this.#reject(error);
      responses.abort(error);
      return;
    }
    if (!this.#opened) this.#open();
    responses.end(error);
  }

  #settle(): void {
    this.#release();
    this.#connection.callOver(this.#call);
  }

  #release(): void {
    this.#over = true;
    this.#connection.wheel.clear(this);
    if (this.#onCancel !== undefined) this.#call.cancellation?.offCancel(this.#onCancel);
    this.#requests?.stop();
    this.#inbox?.disown();
  }
}

/** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#http2-transport-mapping */
function codeOfReset(code: number): Code {
  switch (code) {
    case ErrorCode.REFUSED_STREAM:
      return Code.UNAVAILABLE;
    case ErrorCode.CANCEL:
      return Code.CANCELLED;
    case ErrorCode.ENHANCE_YOUR_CALM:
      return Code.RESOURCE_EXHAUSTED;
    case ErrorCode.INADEQUATE_SECURITY:
      return Code.PERMISSION_DENIED;
    default:
      return Code.INTERNAL;
  }
}
