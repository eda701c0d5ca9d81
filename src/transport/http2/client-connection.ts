import type { Socket } from "node:net";
import type { Call, Reply } from "../../core/call.ts";
import { Code } from "../../core/code.ts";
import type { Method } from "../../core/method.ts";
import { RpcError } from "../../core/rpc-error.ts";
import type { Compression } from "../../core/transport.ts";
import { strangeGreeting, turnedAway } from "../greeting.ts";
import { NO_ANSWER } from "../idle.ts";
import type { TimerWheel } from "../timer-wheel.ts";
import { CachedBlock } from "./cached-block.ts";
import { ClientStream } from "./client-stream.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { ConnectionError } from "./connection-error.ts";
import { ErrorCode, errorCodeName, PREFACE, Setting } from "./frame.ts";
import type { HeadMeaning } from "./head-reader.ts";
import { MESSAGE_ROOM_BYTES } from "./message-sender.ts";
import { type RequestFields, writeRequestBlock } from "./request-block.ts";
import { type ResponseHead, readResponseHead } from "./response-head.ts";

export interface ClientConnectionOptions extends ConnectionOptions {
  /** For messages. */
  readonly address: string;
  readonly wheel: TimerWheel;
  readonly fields: RequestFields;
  readonly maxReceiveMessageBytes: number;
  readonly compression: Compression;
  /** Called once the server has said what it allows: calls may be made. */
  readonly ready: () => void;
  /** Called when a call is over. */
  readonly over: (call: Call) => void;
  /** Called when it may be able to take another call. */
  readonly freed: () => void;
  /** Called when `silent` has changed. */
  readonly silence: () => void;
  /** True while connections that took calls, and went, answered them. */
  readonly trusted: () => boolean;
  /** Makes a call that this server has not looked at, and will not, on another connection. */
  readonly elsewhere: (call: Call) => Promise<Reply>;
  /** Called once when it takes no more calls. `calm` where the server complains of too many pings. */
  readonly lost: (reason: string, calm: boolean) => void;
}

/** Methods whose header blocks are kept. */
const MOST_BLOCKS = 1000;

const heads: HeadMeaning<ResponseHead> = {
  interpret: readResponseHead,
  // Bytes could be written to by whoever gets them.
  keeps: ({ details, hasBytes }) => details.length === 0 && !hasBytes,
};

/** The client's side of a connection. */
export class ClientConnection extends Connection<ClientStream, ResponseHead> {
  readonly address: string;
  readonly wheel: TimerWheel;
  readonly maxReceiveMessageBytes: number;
  readonly compression: Compression;
  /** True once a call has been answered. */
  answered = false;
  /** True where the server goes and has said that it took calls, which it may still answer. */
  taken = false;
  /** True where it was idle for so long that it may have died without a word: it is asked before it takes a call. */
  doubted = false;
  /** How long it has to answer then, in milliseconds. */
  patienceMs = 0;
  protected lastSeenId = 0;
  readonly #options: ClientConnectionOptions;
  readonly #blocks = new Map<Method, CachedBlock>();
  /** True once the server has said anything. */
  greeted = false;
  #nextId = 1;
  /** The call whose head was written last, and what its block made of the encoder. */
  #headId = 0;
  #headBlocks = 0;
  #headVersion = 0;
  /** What the server complained of when it went. */
  #complaint = "";
  #closing = false;
  #lost = false;
  #readySaid = false;
  #confirming: NodeJS.Timeout | undefined;

  constructor(socket: Socket, options: ClientConnectionOptions) {
    super(socket, heads, options, false);
    this.#options = options;
    this.address = options.address;
    this.wheel = options.wheel;
    this.maxReceiveMessageBytes = options.maxReceiveMessageBytes;
    this.compression = options.compression;
    this.frames.raw(PREFACE);
    this.announce(options.maxMetadataBytes, [[Setting.ENABLE_PUSH, 0]]);
  }

  override receive(bytes: Buffer, length: number): void {
    if (!this.greeted && length > 0) {
      this.greeted = true;
      const strange = strangeGreeting(bytes.subarray(0, length));
      if (strange !== undefined) this.destroy(strange);
    }
    super.receive(bytes, length);
  }

  /** True while the server allows another call on it. */
  get available(): boolean {
    return !this.goingAway && !this.doubted && this.streams.size < this.peer.maxConcurrentStreams;
  }

  get bytesReceived(): number {
    return this.socket.bytesRead;
  }
  get bytesSent(): number {
    return this.socket.bytesWritten;
  }

  /** True where it has been of use. */
  get served(): boolean {
    return this.answered || (this.taken && this.#options.trusted());
  }

  /** Makes a call. Only where it is `available`. Never throws: what goes wrong is what the call comes to. */
  start(call: Call): Promise<Reply> {
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = new ClientStream(this, id, call);
    const reply = stream.promise();
    stream.window = this.firstWindowBytes;
    this.streams.add(stream);
    try {
      this.#writeRequest(id, call);
      stream.begin();
    } catch (error) {
      stream.fail(error);
    }
    // With the last of the ids: calls to come need a new connection.
    if (this.#nextId > 2 * this.limits.maxCallsPerConnection) this.#loseCalls("its stream ids are used up", false);
    return reply;
  }

  #writeRequest(id: number, call: Call): void {
    const { encoder } = this;
    let cached = this.#blocks.get(call.method);
    if (cached === undefined) {
      // Methods are few, unless somebody makes one for each call.
      if (this.#blocks.size >= MOST_BLOCKS) this.#blocks.clear();
      cached = new CachedBlock();
      this.#blocks.set(call.method, cached);
    }
    try {
      writeRequestBlock(encoder, cached, this.#options.fields, call);
    } catch (error) {
      encoder.undo();
      throw error;
    }
    this.frames.head(id, encoder.bytes, encoder.length, MESSAGE_ROOM_BYTES);
    this.#headId = id;
    this.#headBlocks = encoder.blocks;
    this.#headVersion = encoder.version;
  }

  /** Ends a call from our side: as if it had never been made, where nothing of it has left. */
  giveUp(stream: ClientStream): void {
    const isUnsent = stream.id > this.#headId || (stream.id === this.#headId && this.#takeBackHead());
    if (isUnsent) this.forget(stream);
    else this.resetStream(stream, ErrorCode.CANCEL);
  }

  #takeBackHead(): boolean {
    const { encoder } = this;
    if (encoder.blocks !== this.#headBlocks || encoder.version !== this.#headVersion) return false;
    if (!this.frames.takeBackHead()) return false;
    encoder.undo();
    return true;
  }

  protected onHead(id: number, head: ResponseHead, ended: boolean): void {
    const stream = this.streams.get(id);
    if (stream === undefined) {
      if (this.isIdle(id))
        throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `HEADERS on stream ${id}, which is idle`);
      const isUnderWay = this.closedStreams.weReset(id) && this.closedStreams.pardon(id);
      if (!isUnderWay) this.chargeControl("HEADERS on closed streams");
      return;
    }
    if (stream.remoteEnded)
      throw new ConnectionError(ErrorCode.STREAM_CLOSED, `HEADERS on stream ${id}, which has ended`);
    if (ended) stream.remoteEnded = true;
    this.answered = true;
    stream.onHead(head, ended);
    if (ended && stream.localEnded) this.forget(stream);
  }

  protected onStreamReset(stream: ClientStream, code: number): void {
    stream.onReset(code);
  }

  protected isIdle(id: number): boolean {
    return (id & 1) === 0 || id >= this.#nextId;
  }

  protected onGoAway(lastId: number, code: number, reason: string): void {
    if (code === ErrorCode.INADEQUATE_SECURITY) {
      this.destroy(turnedAway(reason));
      return;
    }
    const words = code === ErrorCode.NO_ERROR ? "" : ` (${errorCodeName(code)}${reason === "" ? "" : `: ${reason}`})`;
    const calm = code === ErrorCode.ENHANCE_YOUR_CALM && reason === "too_many_pings";
    if (code === ErrorCode.NO_ERROR && Math.min(lastId, this.#nextId - 2) > 0) this.taken = true;
    this.#complaint = words;
    this.#loseCalls(`the server goes away${words}`, calm);
    for (const stream of this.streams.all()) if (stream.id > lastId) this.#refused(stream);
    this.#closeIfIdle();
  }

  /** It goes on elsewhere where this server has taken others: one that has taken none might refuse for ever. */
  #refused(stream: ClientStream): void {
    if (this.served) stream.goElsewhere(this.#options.elsewhere);
    else stream.onRefused();
  }

  #loseCalls(reason: string, calm: boolean): void {
    this.goingAway = true;
    if (this.#lost) return;
    this.#lost = true;
    this.#options.lost(reason, calm);
  }

  /** It has been idle for long. */
  doubt(): void {
    this.doubted = true;
  }

  override destroy(reason: string): void {
    super.destroy(`${reason}${this.#complaint}`);
  }

  /** Asks whether it lives. Where no answer comes within `patienceMs` it is given up. */
  confirm(): void {
    if (this.#confirming !== undefined) return;
    if (this.pingSentAt === 0) this.ping();
    this.#confirming = setTimeout(() => {
      // What has come while our own event loop stood still is read before this.
      setImmediate(() => this.doubted && this.destroy(NO_ANSWER));
    }, this.patienceMs).unref();
  }

  protected onPingAnswered(): void {
    if (!this.doubted) return;
    this.#certain();
    this.#options.freed();
  }

  protected onDrainSeen(): void {}

  #certain(): void {
    this.doubted = false;
    clearTimeout(this.#confirming);
    this.#confirming = undefined;
  }

  protected onSilence(): void {
    this.#options.silence();
  }

  protected onSettings(): void {
    if (this.#readySaid) this.#options.freed();
    else this.#options.ready();
    this.#readySaid = true;
  }

  protected onForgotten(): void {
    this.#options.freed();
    this.#closeIfIdle();
  }

  /** A call on it is over. */
  callOver(call: Call): void {
    this.#options.over(call);
  }

  /** Takes no new calls; once those under way are done it is gone. */
  close(): void {
    this.#lost = true;
    this.goingAway = true;
    this.#closing = true;
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    if (this.deaf || !this.goingAway || this.streams.size > 0) return;
    if (this.#closing) this.frames.goAway(0, ErrorCode.NO_ERROR, "");
    this.finish("the connection was closed");
  }

  /** @throws ConnectionError where heads that only say that the answer is to come have no end */
  interim(): void {
    this.chargeControl("interim responses");
  }

  oversized(): RpcError {
    const limit = this.#options.maxMetadataBytes;
    return new RpcError(Code.RESOURCE_EXHAUSTED, `the response's metadata is larger than the limit of ${limit} bytes`);
  }

  protected onClosed(reason: string): void {
    this.#certain();
    this.#loseCalls(reason, false);
  }
}
