import type { Socket } from "node:net";
import { now } from "../../core/deadline.ts";
import { networkOf } from "../../core/network.ts";
import type { MemoryAccount } from "../memory-account.ts";
import type { Borrower } from "../memory-budget.ts";
import { Allowance } from "./allowance.ts";
import { ClosedStreams } from "./closed-streams.ts";
import { ConnectionError } from "./connection-error.ts";
import { ConnectionWindow } from "./connection-window.ts";
import {
  DEFAULT_WINDOW_BYTES,
  ErrorCode,
  errorCodeName,
  Flag,
  FrameType,
  MAX_31_BITS,
  readUint32,
  Setting,
} from "./frame.ts";
import { FrameReader, type FrameSink } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { checkDependency, type HeadMeaning, HeadReader, mostBlockBytes } from "./head-reader.ts";
import { CompressionError } from "./hpack/decoder.ts";
import { HpackEncoder } from "./hpack/encoder.ts";
import type { Limits } from "./limits.ts";
import { MessageSender } from "./message-sender.ts";
import { Outbox } from "./outbox.ts";
import { ReceiveBudget, type ReceiveWindow } from "./receive-budget.ts";
import { defaultSettings, encodeSettings, type PeerSettings, readSettings } from "./settings.ts";
import type { Stream } from "./stream.ts";
import { StreamRing } from "./stream-ring.ts";

const KEEPALIVE_PING = Buffer.from("trunklin", "latin1");
const DRAIN_PING = Buffer.from("draining", "latin1");
/** How long a peer has to take what was sent last, in milliseconds. */
const PARTING_MS = 1000;
/** To look at so many streams costs about what a frame costs. */
const STREAMS_OF_FRAME = 32;
/** Of a connection that was silent for so long, in milliseconds, nothing is kept for many streams. */
const RESTING_MS = 1000;
const NOT_READ = "the peer does not read";

export interface ConnectionOptions {
  readonly limits: Limits;
  /** The largest list of headers to accept, in octets as HTTP/2 counts them. */
  readonly maxMetadataBytes: number;
  /** The largest message to send, in bytes. */
  readonly maxSendMessageBytes: number | undefined;
}

/**
 * One HTTP/2 connection: what client and server have in common. RFC 9113. `H` is what a header block means to the side.
 * Whatever the peer sends ends at worst this connection: errors of the protocol are thrown as `ConnectionError`, here
 * and below, and all caught in `receive`.
 */
export abstract class Connection<S extends Stream, H> implements FrameSink, Borrower {
  readonly socket: Socket;
  readonly outbox: Outbox;
  readonly streams: StreamRing<S> = new StreamRing<S>();
  readonly peer: PeerSettings = defaultSettings();
  readonly encoder: HpackEncoder = new HpackEncoder();
  readonly budget: ReceiveBudget;
  /** What it may make this process hold, and does. */
  readonly memory: MemoryAccount;
  readonly limits: Limits;
  /** When the peer sent anything last, on the clock of `now()`. */
  heardAt: number = now();
  /** When the peer last sent headers or data, on the same clock. */
  spokeAt = 0;
  /** True while a ping has waited for its answer for long, and nothing else is heard. */
  silent = false;
  /** PINGs since the peer last sent headers or data, as its watch counts them. */
  pings = 0;
  /** When a PING was last answered. */
  pingAnsweredAt = 0;
  /** Since when nothing is read, on the clock of `now()`, because the peer does not read its answers; 0 where that is not so. */
  pausedAt = 0;
  /** True once the peer's first SETTINGS are there. */
  settled = false;
  /** True once it takes no new streams: GOAWAY was sent or received. */
  goingAway = false;
  /** True once nothing more is read or written. */
  deaf = false;
  protected readonly closedStreams: ClosedStreams = new ClosedStreams();
  readonly frames: FrameWriter;
  readonly sender: MessageSender<S>;
  readonly #reader: FrameReader;
  readonly #heads: HeadReader<H>;
  readonly #control: Allowance;
  readonly #window: ConnectionWindow;
  #pingSentAt = 0;
  #drainPinged = false;
  /** True once the peer has taken our SETTINGS for its own. */
  #settingsTaken = false;

  /** @param refusesUnsent whether messages fail that would have to wait for the peer where memory is short */
  protected constructor(socket: Socket, meaning: HeadMeaning<H>, options: ConnectionOptions, refusesUnsent: boolean) {
    const { maxMetadataBytes } = options;
    const limits = withSmallerWindows(options.limits);
    this.socket = socket;
    this.limits = limits;
    const { remoteAddress } = socket;
    const from = remoteAddress === undefined ? undefined : networkOf(remoteAddress);
    this.memory = limits.memory.open(this, DEFAULT_WINDOW_BYTES, from);
    this.outbox = new Outbox(socket, this.memory, () => {
      this.frames.drained();
      this.sender.drained();
      if (this.pausedAt > 0) this.#readOn();
    });
    this.frames = new FrameWriter(this.outbox, this.peer, refusesUnsent, () => this.destroy(NOT_READ));
    this.sender = new MessageSender(
      this.outbox,
      this.frames,
      this.peer,
      { memory: this.memory, refuses: refusesUnsent, maxMessageBytes: options.maxSendMessageBytes },
      (stream: S) => this.endLocal(stream),
    );
    this.#heads = new HeadReader(meaning, maxMetadataBytes, this.memory);
    this.#reader = new FrameReader(this, limits.maxFrameBytes, mostBlockBytes(maxMetadataBytes), this.memory);
    this.#window = new ConnectionWindow(this.memory, limits.connectionWindowBytes, (bytes) =>
      this.frames.windowUpdate(0, bytes),
    );
    this.#window.open();
    this.budget = new ReceiveBudget(limits, this.memory, (window, bytes) => this.#updateStream(window, bytes));
    this.#control = new Allowance(limits.controlFramesPerSecond * 5, limits.controlFramesPerSecond);
  }

  // What a side makes of it.

  protected abstract onHead(id: number, head: H, ended: boolean): void;
  /** The peer goes away: it has not seen, and will not see, streams above `lastId`. */
  protected abstract onGoAway(lastId: number, code: number, reason: string): void;
  protected abstract onPingAnswered(): void;
  /** All that was sent before `pingForDrain` has been read. */
  protected abstract onDrainSeen(): void;
  /** `silent` has changed. */
  protected abstract onSilence(): void;
  /** The peer resets a stream that is open. */
  protected abstract onStreamReset(stream: S, code: number): void;
  protected abstract onSettings(): void;
  /** True for a stream that has never been opened, so that frames on it make no sense. */
  protected abstract isIdle(id: number): boolean;
  /** The connection has ended; every stream has been told. */
  protected abstract onClosed(reason: string): void;

  // Receiving.

  /**
   * Reads no further while the peer does not read its answers. Only a server does so: two that wait for each other would
   * do so for ever.
   */
  protected pauseWhereUnread(): void {
    if (!this.frames.unread || this.pausedAt > 0 || this.deaf) return;
    this.pausedAt = now();
    this.socket.pause();
  }

  /** What was kept waiting meanwhile did not come late. */
  #readOn(): void {
    const time = now();
    const pausedMs = time - this.pausedAt;
    this.pausedAt = 0;
    this.heardAt = time;
    for (const stream of this.streams.all()) if (stream.stalledSince > 0) stream.stalledSince += pausedMs;
    this.socket.resume();
  }

  /** Ends a peer that has taken nothing, for so long, of what it is sent. */
  checkPause(time: number): void {
    const { stallTimeoutMs, leastBytesPerSecond } = this.limits;
    const allowedMs = stallTimeoutMs + (this.outbox.kept / leastBytesPerSecond) * 1000;
    if (time - this.pausedAt > allowedMs) this.destroy(NOT_READ);
  }

  /** Takes in what the socket has read. */
  receive(bytes: Buffer, length: number): void {
    if (this.deaf) return;
    this.heardAt = now();
    if (this.silent) this.#becomeHeard();
    try {
      this.#reader.read(bytes, length);
    } catch (error) {
      this.#breakOff(error);
    }
  }

  /** It has not answered a ping for long. */
  becomeSilent(): void {
    if (this.silent) return;
    this.silent = true;
    this.onSilence();
  }

  #becomeHeard(): void {
    this.silent = false;
    this.onSilence();
  }

  #breakOff(error: unknown): void {
    if (error instanceof ConnectionError) this.fail(error.code, error.message);
    else if (error instanceof CompressionError) this.fail(ErrorCode.COMPRESSION_ERROR, error.message);
    else this.fail(ErrorCode.INTERNAL_ERROR, error instanceof Error ? error.message : String(error));
  }

  data(id: number, length: number, padding: number, ended: boolean): void {
    this.#heads.mustBeIdle();
    this.spokeAt = this.heardAt;
    if (id === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "DATA on stream 0");
    if (!this.#window.came(length, this.heardAt)) {
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "more data than the connection's window allows");
    }
    const stream = this.streams.get(id);
    if (stream === undefined || stream.remoteEnded) {
      this.#dataOnClosed(id, length, ended, stream);
      return;
    }
    if (length === padding && !ended) this.chargeControl("empty DATA frames");
    stream.window -= length;
    stream.coming = length - padding;
    if (stream.window < 0) {
      this.resetStream(stream, ErrorCode.FLOW_CONTROL_ERROR);
      stream.onReset(ErrorCode.FLOW_CONTROL_ERROR);
    } else if (padding > 0) this.budget.read(stream, padding, false);
  }

  #dataOnClosed(id: number, length: number, ended: boolean, stream: S | undefined): void {
    if (this.isIdle(id)) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `DATA on stream ${id}, which is idle`);
    // What was under way when we reset the stream is no fault of the peer's.
    if (this.closedStreams.weReset(id)) {
      if (length > 0 ? this.closedStreams.absorb(id, length) : ended && this.closedStreams.pardon(id)) return;
    }
    this.chargeControl("DATA frames on closed streams");
    if (stream === undefined) {
      this.writeReset(id, ErrorCode.STREAM_CLOSED, 0);
      return;
    }
    this.resetStream(stream, ErrorCode.STREAM_CLOSED);
    stream.onReset(ErrorCode.STREAM_CLOSED);
  }

  dataPart(id: number, bytes: Buffer, start: number, end: number, ended: boolean): void {
    const stream = this.streams.get(id);
    if (stream === undefined || stream.remoteEnded) return;
    if (ended) stream.remoteEnded = true;
    stream.coming -= end - start;
    stream.onData(bytes, start, end, ended);
    if (ended && stream.localEnded) this.forget(stream);
  }

  frame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (!this.settled && type !== FrameType.SETTINGS) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "the first frame is not SETTINGS");
    }
    if (type === FrameType.CONTINUATION) {
      this.#head(id, this.#heads.continuation(flags, id, bytes, start, end));
      return;
    }
    this.#heads.mustBeIdle();
    switch (type) {
      case FrameType.HEADERS:
        this.#head(id, this.#heads.headers(flags, id, bytes, start, end));
        return;
      case FrameType.PRIORITY:
        this.#priority(id, bytes, start, end);
        return;
      case FrameType.RST_STREAM:
        this.#rstStream(id, bytes, start, end);
        return;
      case FrameType.SETTINGS:
        this.#settings(flags, id, bytes, start, end);
        return;
      case FrameType.PUSH_PROMISE:
        throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "PUSH_PROMISE, which is not allowed here");
      case FrameType.PING:
        this.#ping(flags, id, bytes, start, end);
        return;
      case FrameType.GOAWAY:
        this.#goAway(id, bytes, start, end);
        return;
      case FrameType.WINDOW_UPDATE:
        this.#windowUpdate(id, bytes, start, end);
        return;
      default:
        this.chargeControl("frames of unknown types");
    }
  }

  /** @param head `undefined` while its block is not whole */
  #head(id: number, head: H | undefined): void {
    if (head === undefined) return;
    this.spokeAt = this.heardAt;
    this.onHead(id, head, this.#heads.ended);
  }

  #priority(id: number, bytes: Buffer, start: number, end: number): void {
    if (id === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "PRIORITY on stream 0");
    this.chargeControl("PRIORITY frames");
    if (end - start === 5) {
      checkDependency(id, bytes, start);
      return;
    }
    if (this.isIdle(id)) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "PRIORITY has not 5 bytes");
    this.writeReset(id, ErrorCode.FRAME_SIZE_ERROR, 0);
  }

  #rstStream(id: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "RST_STREAM has not 4 bytes");
    if (id === 0 || this.isIdle(id)) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `RST_STREAM on stream ${id}, which is idle`);
    }
    const stream = this.streams.get(id);
    if (stream === undefined) {
      // It may have been under way when the stream was closed here.
      if (!this.closedStreams.pardon(id)) this.chargeControl("RST_STREAM frames");
      return;
    }
    this.closedStreams.addTheirReset(id, this.heardAt);
    this.forget(stream);
    this.onStreamReset(stream, readUint32(bytes, start));
  }

  #settings(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id !== 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `SETTINGS on stream ${id}`);
    this.chargeControl("SETTINGS frames");
    if ((flags & Flag.ACK) !== 0) {
      if (end > start) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "an acknowledgement with SETTINGS");
      if (!this.settled) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "SETTINGS are acknowledged before any");
      this.#settingsTakenNow();
      return;
    }
    const before = this.peer.initialWindowBytes;
    readSettings(this.peer, bytes, start, end);
    this.encoder.setPeerLimit(this.peer.headerTableBytes);
    const delta = this.peer.initialWindowBytes - before;
    if (delta !== 0) this.#shiftWindows(delta);
    this.settled = true;
    this.frames.settingsRead();
    this.onSettings();
    this.sender.pump();
  }

  /** What the peer may send on a stream that opens now: it may not know of a smaller window yet. RFC 9113, 6.9.2. */
  get firstWindowBytes(): number {
    const { streamWindowBytes } = this.limits;
    return this.#settingsTaken ? streamWindowBytes : Math.max(streamWindowBytes, DEFAULT_WINDOW_BYTES);
  }

  /** Streams that opened with a larger window keep it: our SETTINGS have taken from them what is given back here. */
  #settingsTakenNow(): void {
    const taken = this.firstWindowBytes - this.limits.streamWindowBytes;
    this.#settingsTaken = true;
    if (taken === 0) return;
    for (const stream of this.streams.all()) if (!stream.remoteEnded) this.frames.windowUpdate(stream.id, taken);
  }

  #shiftWindows(delta: number): void {
    this.#chargeStreams("SETTINGS frames that change the windows of streams");
    for (const stream of this.streams.all()) {
      stream.sendWindow += delta;
      if (stream.sendWindow > MAX_31_BITS) {
        throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "a stream's window is larger than 31 bits");
      }
      if (delta > 0) this.sender.widened(stream);
    }
  }

  #ping(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id !== 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `PING on stream ${id}`);
    if (end - start !== 8) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "PING has not 8 bytes");
    if ((flags & Flag.ACK) !== 0) {
      this.#pingAnswered(bytes.subarray(start, end));
      return;
    }
    // A peer that measures its windows by pings, as gRPC's in Go and in C++ do, sends one with what it has received.
    if (this.sender.framesDue > 0) this.sender.framesDue--;
    else this.chargeControl("PING frames");
    this.frames.pong(bytes.subarray(start, end));
  }

  #pingAnswered(payload: Buffer): void {
    if (this.#pingSentAt > 0 && payload.equals(KEEPALIVE_PING)) {
      this.#pingSentAt = 0;
      this.pingAnsweredAt = now();
      this.onPingAnswered();
    } else if (this.#drainPinged && payload.equals(DRAIN_PING)) {
      this.#drainPinged = false;
      this.onDrainSeen();
    } else this.chargeControl("answers to no PING");
  }

  #goAway(id: number, bytes: Buffer, start: number, end: number): void {
    if (id !== 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `GOAWAY on stream ${id}`);
    if (end - start < 8) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "GOAWAY has less than 8 bytes");
    this.chargeControl("GOAWAY frames");
    this.#chargeStreams("GOAWAY frames");
    const lastId = readUint32(bytes, start) & MAX_31_BITS;
    const debug = bytes.toString("latin1", start + 8, Math.min(end, start + 8 + 200));
    this.onGoAway(lastId, readUint32(bytes, start + 4), debug);
  }

  #windowUpdate(id: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "WINDOW_UPDATE has not 4 bytes");
    if (this.sender.framesDue > 0) this.sender.framesDue--;
    else this.chargeControl("WINDOW_UPDATE frames");
    const increment = readUint32(bytes, start) & MAX_31_BITS;
    if (id === 0) {
      this.#widen(increment);
      return;
    }
    const stream = this.streams.get(id);
    if (stream === undefined) {
      if (this.isIdle(id))
        throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `WINDOW_UPDATE on stream ${id}, which is idle`);
      return;
    }
    stream.sendWindow += increment;
    if (increment === 0 || stream.sendWindow > MAX_31_BITS) {
      const code = increment === 0 ? ErrorCode.PROTOCOL_ERROR : ErrorCode.FLOW_CONTROL_ERROR;
      this.resetStream(stream, code);
      stream.onReset(code);
      return;
    }
    this.sender.widened(stream);
    this.sender.pump();
  }

  #widen(increment: number): void {
    if (increment === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE of 0");
    this.sender.window += increment;
    if (this.sender.window > MAX_31_BITS) {
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "the connection's window is larger than 31 bits");
    }
    this.sender.pump();
  }

  /** @throws ConnectionError where the peer sends more of what carries no call forward than it may */
  protected chargeControl(what: string, cost = 1): void {
    if (this.#control.spend(cost)) return;
    throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, `too many ${what}`);
  }

  /** Charges a frame for which each stream is looked at. */
  #chargeStreams(what: string): void {
    this.chargeControl(what, this.streams.size / STREAMS_OF_FRAME);
  }

  // Sending.

  /** Sends what this side must say first. */
  protected announce(maxMetadataBytes: number, more: readonly (readonly [number, number])[]): void {
    const { limits } = this;
    const settings = encodeSettings([
      [Setting.INITIAL_WINDOW_SIZE, limits.streamWindowBytes],
      [Setting.MAX_FRAME_SIZE, limits.maxFrameBytes],
      [Setting.MAX_HEADER_LIST_SIZE, maxMetadataBytes],
      ...more,
    ]);
    this.frames.settings(settings);
    this.#window.tell();
  }

  #updateStream(window: ReceiveWindow, bytes: number): void {
    const stream = window as S;
    if (!stream.remoteEnded && !stream.closed) this.frames.windowUpdate(stream.id, bytes);
  }

  /** Our side of a stream has been ended. */
  protected endLocal(stream: S): void {
    stream.localEnded = true;
    if (stream.remoteEnded) this.forget(stream);
  }

  /** @param window what the peer may still have sent */
  protected writeReset(id: number, code: number, window: number): void {
    this.frames.reset(id, code);
    this.closedStreams.addReset(id, window, this.heardAt);
  }

  /** Resets a stream and forgets it. The stream itself is not told. */
  resetStream(stream: S, code: number): void {
    if (stream.closed) return;
    this.writeReset(stream.id, code, Math.max(0, stream.window));
    this.forget(stream);
  }

  /** The stream is closed on both sides. */
  protected forget(stream: S): void {
    if (stream.closed) return;
    stream.closed = true;
    this.sender.drop(stream);
    this.streams.remove(stream);
    this.budget.release(stream);
    this.closedStreams.addEnded(stream.id, this.heardAt);
    this.onForgotten(stream);
  }

  protected abstract onForgotten(stream: S): void;

  /** Keeps no more than it needs: called now and then. */
  tidy(time: number): void {
    this.closedStreams.shrink(time);
    if (time - this.heardAt >= RESTING_MS) this.streams.shrink();
  }

  /** Asks whether the peer lives. */
  ping(): void {
    this.pings++;
    this.#pingSentAt = now();
    this.frames.ping(KEEPALIVE_PING);
  }

  /** Asks the peer to say that it has seen what was sent before. */
  protected pingForDrain(): void {
    this.#drainPinged = true;
    this.frames.ping(DRAIN_PING);
  }

  /** True while `pingForDrain` waits for its answer. */
  protected get drainPinged(): boolean {
    return this.#drainPinged;
  }

  /** Since when a PING has waited for its answer, on the clock of `now()`; 0 where none does. */
  get pingSentAt(): number {
    return this.#pingSentAt;
  }

  /** True while a frame or a header block has begun and is not whole. */
  get blockUnderWay(): boolean {
    return this.#heads.underWay || this.#reader.partial;
  }

  // Ending.

  room(): void {
    if (this.deaf) return;
    this.#window.retry();
    this.budget.serve();
  }

  letGo(_least: number): number {
    return 0;
  }

  evict(): void {
    this.fail(ErrorCode.ENHANCE_YOUR_CALM, "memory is short, and what this connection holds of it does not move");
  }

  /** Tells the peer what it did, and ends the connection. */
  fail(code: number, reason: string): void {
    if (this.deaf) return;
    this.frames.goAway(this.lastSeenId, code, reason);
    this.outbox.end();
    this.#end(`${reason} (${errorCodeName(code)})`);
    this.socket.end();
    this.#cutLater();
  }

  /** The highest stream of the peer that was looked at. */
  protected abstract readonly lastSeenId: number;

  /** Ends the connection at once. */
  destroy(reason: string): void {
    this.#end(reason);
    this.socket.destroy();
  }

  /** Ends the connection once everything has been sent. */
  finish(reason: string): void {
    if (this.deaf) return;
    this.outbox.end();
    this.#end(reason);
    this.socket.end();
    this.#cutLater();
  }

  /** A peer that does not close its half keeps the socket no longer than this. */
  #cutLater(): void {
    const cut = setTimeout(() => this.socket.destroy(), PARTING_MS).unref();
    this.socket.once("close", () => clearTimeout(cut));
  }

  #end(reason: string): void {
    if (this.deaf) return;
    this.deaf = true;
    this.goingAway = true;
    this.frames.muted = true;
    this.outbox.close();
    for (const stream of this.streams.all()) {
      this.forget(stream);
      stream.onLost(reason);
    }
    this.memory.close();
    this.onClosed(reason);
  }
}

/** Streams that a connection is reckoned to have, where first windows shrink because memory is short. */
const RECKONED_STREAMS = 1000;
const SMALLEST_WINDOW_BYTES = 4 * 1024;

/** Where little memory is left, the first windows of all streams of a connection take no more than half of it. */
function withSmallerWindows(limits: Limits): Limits {
  const share = Math.floor(limits.memory.free / 2 / RECKONED_STREAMS);
  if (share >= limits.streamWindowBytes) return limits;
  const streamWindowBytes = Math.min(limits.streamWindowBytes, Math.max(SMALLEST_WINDOW_BYTES, share));
  return { ...limits, streamWindowBytes };
}
