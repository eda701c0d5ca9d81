import type { Socket } from "node:net";
import type { Caller } from "../../core/call.ts";
import { Code } from "../../core/code.ts";
import { Metadata } from "../../core/metadata.ts";
import type { Method } from "../../core/method.ts";
import { networkOfPeer } from "../../core/network.ts";
import { RpcError } from "../../core/rpc-error.ts";
import type { Acceptor, Compression } from "../../core/transport.ts";
import type { ConnectionRoom } from "../call-room.ts";
import { escapeMessage } from "../grpc-message.ts";
import type { ConnectionRequests } from "../request-room.ts";
import { encodeDetails } from "../rich-status.ts";
import type { TimerWheel } from "../timer-wheel.ts";
import { Allowance } from "./allowance.ts";
import { CachedBlock } from "./cached-block.ts";
import { ACCEPTED_ENCODINGS, NO_ENCODINGS } from "./compression.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { ConnectionError } from "./connection-error.ts";
import { FirstWords, http1Answer, type Speech } from "./first-words.ts";
import { ErrorCode, MAX_31_BITS, Setting } from "./frame.ts";
import type { HeadMeaning } from "./head-reader.ts";
import { base64, writeMetadata } from "./metadata-fields.ts";
import { RequestDecoder } from "./request-decoder.ts";
import { type RequestHead, readRequestHead } from "./request-head.ts";
import { ServerStream } from "./server-stream.ts";

/** So close to the deadline, in milliseconds, a client's reset is its own alarm. */
const AT_DEADLINE_MS = 20;

export interface ServerConnectionOptions extends ConnectionOptions {
  readonly acceptor: Acceptor;
  readonly caller: Caller;
  readonly wheel: TimerWheel;
  readonly maxConcurrentStreams: number;
  readonly maxReceiveMessageBytes: number;
  readonly compression: Compression;
  readonly acceptCompression: boolean;
  /** True over TLS where the client did not ask for HTTP/2 (ALPN): it is told so, in HTTP/1.1 if it speaks that. */
  readonly unasked: boolean;
  /** Called for a client that speaks something else than HTTP/2. */
  readonly strange: (speech: Speech) => void;
  /** Called once it is closed. */
  readonly closed: (reason: string) => void;
  /** Called when it is ended because memory is short, with what it had filled of it, in bytes. */
  readonly evicted: (heldBytes: number) => void;
  /** Called when a handler has gone on for too long after its call was over. */
  readonly overran: (method: Method) => void;
  /** Called when a call is refused since too many are open for the memory there is. */
  readonly crowded: () => void;
}

function headsFor(acceptor: Acceptor): HeadMeaning<RequestHead> {
  return {
    interpret: (fields, spareBytes) => readRequestHead(fields, spareBytes, acceptor),
    // A service may be added later; bytes could be written to by a handler.
    keeps: ({ method, hasBytes }) => method !== undefined && !hasBytes,
  };
}

/** The server's side of a connection: it takes calls and has them answered. */
export class ServerConnection extends Connection<ServerStream, RequestHead> {
  readonly acceptor: Acceptor;
  readonly caller: Caller;
  readonly wheel: TimerWheel;
  readonly maxReceiveMessageBytes: number;
  readonly acceptsCompression: boolean;
  /** Handlers at work, and those that go on though their call is over: these for a while, see `Overrun`. */
  running = 0;
  protected lastSeenId = 0;
  readonly #options: ServerConnectionOptions;
  readonly decoder: RequestDecoder;
  readonly #resets: Allowance;
  readonly #room: ConnectionRoom;
  readonly #requests: ConnectionRequests;
  readonly #header = new CachedBlock();
  readonly #trailers = new CachedBlock();
  /** Until it has said what it speaks. */
  #firstWords: FirstWords | undefined = new FirstWords();
  #announced = false;
  /** Streams above this one are refused; they came after the last GOAWAY. */
  #lastAccepted = MAX_31_BITS;
  #draining = false;
  /** Something was answered since the client was last asked whether it has read what it was sent. */
  #unseen = false;
  /** It is asked for the last time. */
  #parting = false;

  constructor(socket: Socket, options: ServerConnectionOptions) {
    super(socket, headsFor(options.acceptor), options, true);
    this.#options = options;
    this.acceptor = options.acceptor;
    this.caller = options.caller;
    this.wheel = options.wheel;
    this.maxReceiveMessageBytes = options.maxReceiveMessageBytes;
    this.acceptsCompression = options.acceptCompression;
    const { resetsPerSecond } = options.limits;
    this.#resets = new Allowance(resetsPerSecond * 5, resetsPerSecond);
    const from = networkOfPeer(options.caller.address);
    this.#room = options.limits.memory.calls.open(from);
    this.#requests = options.limits.memory.requests.open(from);
    this.decoder = new RequestDecoder(this.memory, this.#requests, options.maxReceiveMessageBytes);
  }

  /** The stream that was opened last; 0 before the first. */
  get newestId(): number {
    return this.lastSeenId;
  }

  override receive(bytes: Buffer, length: number): void {
    if (this.#firstWords === undefined) super.receive(bytes, length);
    else if (!this.deaf) this.#hearFirst(this.#firstWords, bytes.subarray(0, length));
    this.pauseWhereUnread();
  }

  #hearFirst(words: FirstWords, bytes: Buffer): void {
    const speech = words.hear(bytes);
    if (speech === undefined) return;
    this.#firstWords = undefined;
    if (speech === "HTTP/2" && !this.#options.unasked) {
      this.#announce();
      super.receive(words.rest, words.rest.length);
      return;
    }
    this.#options.strange(speech);
    if (speech === "HTTP/1") {
      this.frames.raw(http1Answer(words.method));
      this.finish("the client speaks HTTP/1.1");
    } else if (speech === "HTTP/2") {
      this.fail(ErrorCode.INADEQUATE_SECURITY, "the client did not ask for HTTP/2 over TLS (ALPN h2)");
    } else this.fail(ErrorCode.PROTOCOL_ERROR, "the client does not speak HTTP/2");
  }

  /** Who speaks HTTP/1.1 must not be answered in HTTP/2: nothing is said before the client has spoken, or must go. */
  #announce(): void {
    if (this.#announced) return;
    this.#announced = true;
    const { maxMetadataBytes, maxConcurrentStreams } = this.#options;
    this.announce(maxMetadataBytes, [[Setting.MAX_CONCURRENT_STREAMS, maxConcurrentStreams]]);
  }

  protected onHead(id: number, head: RequestHead, ended: boolean): void {
    const open = this.streams.get(id);
    if (open !== undefined) {
      this.#onTrailers(open, head, ended);
      return;
    }
    if ((id & 1) === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `a client opened stream ${id}`);
    if (id <= this.lastSeenId) {
      this.#onHeadOfClosed(id);
      return;
    }
    this.lastSeenId = id;
    if (head.malformed !== undefined || !head.opens) {
      this.#refuse(id, ErrorCode.PROTOCOL_ERROR);
      return;
    }
    const busy = Math.max(this.streams.size, this.running);
    if (id > this.#lastAccepted || busy >= this.#options.maxConcurrentStreams) {
      this.#refuse(id, ErrorCode.REFUSED_STREAM);
      return;
    }
    const stream = new ServerStream(this, id, head);
    if (!this.#room.take(stream.roomBytes)) {
      this.#options.crowded();
      // A client cannot know of it: it is charged with nothing.
      this.writeReset(id, ErrorCode.REFUSED_STREAM, this.firstWindowBytes);
      return;
    }
    stream.remoteEnded = ended;
    stream.window = this.firstWindowBytes;
    this.streams.add(stream);
    if (ended && head.contentLength > 0) this.breakStream(stream, ErrorCode.PROTOCOL_ERROR);
    else stream.begin(ended);
  }

  #onTrailers(stream: ServerStream, head: RequestHead, ended: boolean): void {
    if (stream.remoteEnded) {
      this.breakStream(stream, ErrorCode.STREAM_CLOSED);
      return;
    }
    if (!ended || head.opens || head.malformed !== undefined) {
      this.breakStream(stream, ErrorCode.PROTOCOL_ERROR);
      return;
    }
    this.dataPart(stream.id, NOTHING, 0, 0, true);
  }

  #onHeadOfClosed(id: number): void {
    if (this.closedStreams.weReset(id)) {
      if (!this.closedStreams.pardon(id)) this.chargeControl("HEADERS on closed streams");
      return;
    }
    const code = this.closedStreams.has(id) ? ErrorCode.STREAM_CLOSED : ErrorCode.PROTOCOL_ERROR;
    throw new ConnectionError(code, `HEADERS on stream ${id}, which is closed`);
  }

  #refuse(id: number, code: number): void {
    this.#chargeReset("calls that are refused");
    this.writeReset(id, code, this.firstWindowBytes);
  }

  #chargeReset(what: string): void {
    if (!this.#resets.spend()) throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, `too many ${what}`);
  }

  protected onStreamReset(stream: ServerStream, code: number): void {
    stream.onReset(code);
    // To give up at the deadline is what a client should do.
    if (stream.deadline - this.heardAt > AT_DEADLINE_MS) this.#chargeReset("resets of calls under way");
  }

  /** Resets a stream for what its client did wrong. */
  breakStream(stream: ServerStream, code: number): void {
    this.resetStream(stream, code);
    stream.onReset(code);
    this.chargeControl("errors on streams");
  }

  protected isIdle(id: number): boolean {
    return (id & 1) === 0 || id > this.lastSeenId;
  }

  protected onGoAway(): void {
    // The client opens no more calls; it closes the connection when those under way are done.
  }

  protected onSettings(): void {}

  protected onSilence(): void {}

  protected onPingAnswered(): void {}

  protected onDrainSeen(): void {
    if (this.#lastAccepted === MAX_31_BITS) this.stopAccepting();
    else this.#finishOnceSeen();
  }

  // Answering.

  /** How replies to a request are compressed. */
  compressionFor(head: RequestHead): Compression {
    const { compression } = this.#options;
    return compression !== "identity" && head.accepts.includes(compression) ? compression : "identity";
  }

  writeResponseHeader(id: number, header: Metadata, compression: Compression): void {
    const { encoder } = this;
    if (header === Metadata.EMPTY && compression === "identity" && this.#header.current(encoder)) {
      this.frames.block(id, this.#header.bytes, this.#header.length, false);
      return;
    }
    encoder.begin();
    encoder.field(":status", "200");
    encoder.field("content-type", "application/grpc");
    if (compression !== "identity") encoder.field("grpc-encoding", compression);
    if (header === Metadata.EMPTY && compression === "identity") this.#header.keep(encoder);
    else writeMetadata(encoder, header);
    this.frames.block(id, encoder.bytes, encoder.length, false);
  }

  writeTrailers(id: number, error: RpcError | undefined, trailer: Metadata, headerSent: boolean): void {
    const { encoder } = this;
    const plain = error === undefined && trailer === Metadata.EMPTY && headerSent;
    if (plain && this.#trailers.current(encoder)) {
      this.frames.block(id, this.#trailers.bytes, this.#trailers.length, true);
      return;
    }
    encoder.begin();
    if (!headerSent) {
      encoder.field(":status", "200");
      encoder.field("content-type", "application/grpc");
      if (error?.code === Code.UNIMPLEMENTED)
        encoder.field("grpc-accept-encoding", this.acceptsCompression ? ACCEPTED_ENCODINGS : NO_ENCODINGS);
    }
    encoder.field("grpc-status", String(error?.code ?? Code.OK));
    if (error !== undefined) {
      if (error.message !== "") encoder.field("grpc-message", escapeMessage(error.message));
      const details = encodeDetails(error);
      if (details !== undefined) encoder.field("grpc-status-details-bin", base64(details));
    }
    if (plain) this.#trailers.keep(encoder);
    else writeMetadata(encoder, trailer);
    this.frames.block(id, encoder.bytes, encoder.length, true);
  }

  /** A stream whose trailers were sent: where the client has more to say, it is told not to. */
  endStream(stream: ServerStream): void {
    if (stream.closed) return;
    stream.localEnded = true;
    // One that hedges, or whose users lose patience, may give up as many calls as it lets come to their end.
    this.#resets.earn();
    if (stream.remoteEnded) this.forget(stream);
    else this.resetStream(stream, ErrorCode.NO_ERROR);
  }

  /** Answers a request that is not gRPC, as a plain HTTP server would. */
  refuseHttp(stream: ServerStream, status: number): void {
    const { encoder } = this;
    const text = status === 405 ? "gRPC calls are made with POST\n" : "this is a gRPC server: send application/grpc\n";
    encoder.begin();
    encoder.field(":status", String(status));
    encoder.field("content-type", "text/plain");
    this.frames.block(stream.id, encoder.bytes, encoder.length, false);
    this.sender.sendLater(stream, Buffer.from(text, "latin1"), true);
  }

  oversized(): RpcError {
    const limit = this.#options.maxMetadataBytes;
    return new RpcError(
      Code.RESOURCE_EXHAUSTED,
      `the request's metadata is over its receiver's maxMetadataBytes, which is ${limit}`,
    );
  }

  /** A handler gives its place back. */
  handlerDone(): void {
    this.running--;
  }

  overran(method: Method): void {
    this.#options.overran(method);
  }

  // Ending.

  /** Requests that wait for handlers do not move for no fault of the client's: they are refused, and it goes on. */
  override letGo(least: number): number {
    let bytes = 0;
    for (const stream of this.streams.all()) bytes += stream.waitingBytes;
    if (bytes < least) return 0;
    this.#requests.refuse(performance.now());
    return bytes;
  }

  override evict(): void {
    const { held, unsent } = this.memory;
    super.evict();
    this.#options.evicted(held + unsent);
  }

  /**
   * Goes away without losing a call: first GOAWAY says that no new calls should come, and only once the client must
   * have seen it, which its answer to a PING shows, a second one says which was the last. RFC 9113, section 6.8.
   */
  drain(why = "the server goes away"): void {
    if (this.#draining || this.deaf) return;
    this.#draining = true;
    this.#announce();
    this.frames.goAway(MAX_31_BITS, ErrorCode.NO_ERROR, why);
    this.pingForDrain();
  }

  /** The client has been told to go: what it opens from now on is refused. */
  stopAccepting(): void {
    if (!this.#draining || this.#lastAccepted !== MAX_31_BITS || this.deaf) return;
    this.#lastAccepted = this.lastSeenId;
    this.goingAway = true;
    this.frames.goAway(this.lastSeenId, ErrorCode.NO_ERROR, "the server goes away");
    this.#finishOnceSeen();
  }

  protected onForgotten(stream: ServerStream): void {
    this.#room.giveBack(stream.roomBytes);
    if (!this.#draining) return;
    this.#unseen = true;
    this.#finishOnceSeen();
  }

  /**
   * A client may take longer for its last answers than a connection that has ended is left open, and what the system holds
   * of them is lost with it: so the client is asked whether it has read them.
   */
  #finishOnceSeen(): void {
    if (this.#lastAccepted === MAX_31_BITS || this.streams.size > 0 || this.deaf) return;
    if (!this.#unseen) {
      if (!this.#parting || !this.drainPinged) this.finish("the server went away");
    } else if (!this.drainPinged) {
      this.#unseen = false;
      this.#parting = true;
      this.pingForDrain();
    }
  }

  /** Calls under way; 1 where the client only has to read the last of what it was answered. */
  get inflight(): number {
    if (this.streams.size > 0 || this.deaf) return this.streams.size;
    return this.#unseen || this.#parting || this.outbox.busy ? 1 : 0;
  }

  /** Ends calls of these methods with UNAVAILABLE. */
  end(which: (method: Method) => boolean): void {
    const error = new RpcError(Code.UNAVAILABLE, "the server is shutting down");
    for (const stream of this.streams.all()) {
      if (stream.method !== undefined && which(stream.method)) stream.abort(error);
    }
  }

  /** Ends what is left with UNAVAILABLE. */
  shut(why = "the server is shutting down"): void {
    const error = new RpcError(Code.UNAVAILABLE, why);
    for (const stream of this.streams.all()) stream.abort(error);
    if (this.deaf) return;
    this.#announce();
    this.frames.goAway(this.lastSeenId, ErrorCode.NO_ERROR, why);
    this.finish("the server was closed");
  }

  override fail(code: number, reason: string): void {
    if (!this.deaf) this.#announce();
    super.fail(code, reason);
  }

  protected onClosed(reason: string): void {
    this.#room.close();
    this.#requests.close();
    this.#options.closed(reason);
  }
}

const NOTHING = Buffer.allocUnsafeSlow(0);
