import type { Socket } from "node:net";
import { now } from "../../core/deadline.ts";
import type { MessageType } from "../../core/message.ts";
import { SlabWriter } from "../codec/slab-writer.ts";
import { checkSize } from "../message.ts";
import { Allowance } from "./allowance.ts";
import { ClosedStreams } from "./closed-streams.ts";
import { ConnectionError } from "./connection-error.ts";
import {
  DEFAULT_WINDOW_BYTES,
  ErrorCode,
  errorCodeName,
  Flag,
  FRAME_HEADER_BYTES,
  FrameType,
  MAX_31_BITS,
  readUint32,
  Setting,
  writeFrameHeader,
  writeUint32,
} from "./frame.ts";
import { FrameReader, type FrameSink } from "./frame-reader.ts";
import { HeaderBlocks } from "./header-blocks.ts";
import { HeaderCache } from "./header-cache.ts";
import { CompressionError, HpackDecoder } from "./hpack/decoder.ts";
import { HpackEncoder } from "./hpack/encoder.ts";
import { PREFIX_BYTES } from "./inbox.ts";
import type { Limits } from "./limits.ts";
import { Outbox } from "./outbox.ts";
import { ReceiveBudget, type ReceiveWindow } from "./receive-budget.ts";
import { SendQueue } from "./send-queue.ts";
import { defaultSettings, encodeSettings, type PeerSettings, readSettings } from "./settings.ts";
import type { Stream } from "./stream.ts";
import { StreamRing } from "./stream-ring.ts";

/** A header of a frame and the prefix of a message. */
export const DATA_OVERHEAD_BYTES: number = FRAME_HEADER_BYTES + PREFIX_BYTES;
/** The most that one message sends before others have their turn. */
const FAIR_FRAME_BYTES = 128 * 1024;
/** Pieces of this size leave by reference, smaller ones are copied next to their frame's header. */
const BY_REFERENCE_BYTES = 8 * 1024;
/** What a peer that does not read may make us keep of answers to its PINGs and of resets. */
const MOST_BACKLOG_BYTES = 8 * 1024 * 1024;
const OWN_HEADER_TABLE_BYTES = 4096;
/** Blocks larger than this end the connection; between the limit of metadata and this only the call fails. */
const MOST_BLOCK_BYTES = 256 * 1024;

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
export abstract class Connection<S extends Stream, H> implements FrameSink {
  readonly socket: Socket;
  readonly outbox: Outbox;
  readonly streams: StreamRing<S> = new StreamRing<S>();
  readonly peer: PeerSettings = defaultSettings();
  readonly encoder: HpackEncoder = new HpackEncoder();
  readonly budget: ReceiveBudget;
  readonly limits: Limits;
  /** When the peer sent anything last, on the clock of `now()`. */
  heardAt: number = now();
  /** When a PING was last answered. What is heard later is more than an answer. */
  pingAnsweredAt = 0;
  /** True once the peer's first SETTINGS are there. */
  settled = false;
  /** True once it takes no new streams: GOAWAY was sent or received. */
  goingAway = false;
  /** True once nothing more is read or written. */
  deaf = false;
  protected readonly closedStreams: ClosedStreams = new ClosedStreams();
  protected readonly reader: FrameReader;
  readonly #writer = new SlabWriter();
  readonly #maxSendMessageBytes: number | undefined;
  readonly #decoder: HpackDecoder;
  readonly #heads = new HeaderCache<H>();
  readonly #blocks: HeaderBlocks;
  readonly #queue = new SendQueue<S>();
  readonly #control: Allowance;
  #sendWindow = DEFAULT_WINDOW_BYTES;
  #receiveWindow = DEFAULT_WINDOW_BYTES;
  /** What came and the peer has not been told to send again. */
  #unsaid = 0;
  /** WINDOW_UPDATEs that what we sent accounts for. */
  #updatesDue = 0;
  #pumpScheduled = false;
  #pingSentAt = 0;

  protected constructor(socket: Socket, options: ConnectionOptions) {
    const { limits, maxMetadataBytes } = options;
    this.socket = socket;
    this.limits = limits;
    this.#maxSendMessageBytes = options.maxSendMessageBytes;
    this.outbox = new Outbox(socket, () => this.#drained());
    this.#decoder = new HpackDecoder(OWN_HEADER_TABLE_BYTES, maxMetadataBytes);
    this.#blocks = new HeaderBlocks(MOST_BLOCK_BYTES);
    this.reader = new FrameReader(this, limits.maxFrameBytes, MOST_BLOCK_BYTES);
    this.budget = new ReceiveBudget(limits, (window, bytes) => this.#updateStream(window, bytes));
    this.#control = new Allowance(limits.controlFramesPerSecond * 5, limits.controlFramesPerSecond);
  }

  // What a side makes of it.

  /** What the fields of a block mean. */
  protected abstract interpret(fields: string[], oversized: boolean): H;
  protected abstract onHead(id: number, head: H, ended: boolean): void;
  /** The peer goes away: it has not seen, and will not see, streams above `lastId`. */
  protected abstract onGoAway(lastId: number, code: number, reason: string): void;
  protected abstract onPingAnswered(): void;
  /** The peer resets a stream that is open. */
  protected abstract onStreamReset(stream: S, code: number): void;
  protected abstract onSettings(): void;
  /** True for a stream that has never been opened, so that frames on it make no sense. */
  protected abstract isIdle(id: number): boolean;
  /** The connection has ended; every stream has been told. */
  protected abstract onClosed(reason: string): void;

  // Receiving.

  /** Takes in what the socket has read. */
  receive(bytes: Buffer, length: number): void {
    if (this.deaf) return;
    this.heardAt = now();
    try {
      this.reader.read(bytes, length);
    } catch (error) {
      this.#breakOff(error);
    }
  }

  #breakOff(error: unknown): void {
    if (error instanceof ConnectionError) this.fail(error.code, error.message);
    else if (error instanceof CompressionError) this.fail(ErrorCode.COMPRESSION_ERROR, error.message);
    else this.fail(ErrorCode.INTERNAL_ERROR, error instanceof Error ? error.message : String(error));
  }

  data(id: number, length: number, padding: number, ended: boolean): void {
    this.#blocks.mustBeIdle();
    if (id === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "DATA on stream 0");
    this.#receiveWindow -= length;
    if (this.#receiveWindow < 0) {
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "more data than the connection's window allows");
    }
    this.#unsaid += length;
    if (this.#unsaid * 2 >= this.limits.connectionWindowBytes) this.#updateConnection();
    const stream = this.streams.get(id);
    if (stream === undefined || stream.remoteEnded) {
      this.#dataOnClosed(id, length, stream);
      return;
    }
    if (length === padding && !ended) this.chargeControl("empty DATA frames");
    stream.window -= length;
    if (stream.window < 0) {
      this.resetStream(stream, ErrorCode.FLOW_CONTROL_ERROR);
      stream.onReset(ErrorCode.FLOW_CONTROL_ERROR);
    } else if (padding > 0) this.budget.read(stream, padding, false);
  }

  #dataOnClosed(id: number, length: number, stream: S | undefined): void {
    if (this.isIdle(id)) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `DATA on stream ${id}, which is idle`);
    // What was under way when we reset the stream is no fault of the peer's.
    if (length > 0 && this.closedStreams.weReset(id) && this.closedStreams.absorb(id, length)) return;
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
    stream.onData(bytes, start, end, ended);
    if (ended && stream.localEnded) this.forget(stream);
  }

  frame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (!this.settled && type !== FrameType.SETTINGS) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "the first frame is not SETTINGS");
    }
    if (type === FrameType.CONTINUATION) {
      this.#continuation(flags, id, bytes, start, end);
      return;
    }
    this.#blocks.mustBeIdle();
    switch (type) {
      case FrameType.HEADERS:
        this.#headers(flags, id, bytes, start, end);
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

  #headers(flags: number, id: number, bytes: Buffer, from: number, to: number): void {
    if (id === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "HEADERS on stream 0");
    let start = from;
    let end = to;
    if ((flags & Flag.PADDED) !== 0) {
      end -= start < end ? (bytes[start] as number) : 1;
      start += 1;
    }
    if ((flags & Flag.PRIORITY) !== 0) {
      if (end - start >= 5) checkDependency(id, bytes, start);
      start += 5;
    }
    if (start > end) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "more padding than the frame is long");
    const ended = (flags & Flag.END_STREAM) !== 0;
    if ((flags & Flag.END_HEADERS) !== 0) this.#block(id, bytes, start, end, ended);
    else this.#blocks.begin(id, bytes, start, end, ended);
  }

  #continuation(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    this.#blocks.append(id, bytes, start, end);
    if ((flags & Flag.END_HEADERS) === 0) return;
    const block = this.#blocks.end();
    this.#block(id, block, 0, block.length, this.#blocks.ended);
  }

  #block(id: number, bytes: Buffer, start: number, end: number, ended: boolean): void {
    const decoder = this.#decoder;
    let head = this.#heads.find(bytes, start, end, decoder.version);
    if (head === undefined) {
      const { version } = decoder;
      const fields = decoder.decode(bytes, start, end);
      head = this.interpret(fields, decoder.overflow);
      if (decoder.version === version) this.#heads.store(bytes, start, end, version, head);
    }
    this.onHead(id, head, ended);
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
      this.chargeControl("RST_STREAM frames");
      return;
    }
    this.forget(stream);
    this.onStreamReset(stream, readUint32(bytes, start));
  }

  #settings(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id !== 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `SETTINGS on stream ${id}`);
    this.chargeControl("SETTINGS frames");
    if ((flags & Flag.ACK) !== 0) {
      if (end > start) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "an acknowledgement with SETTINGS");
      if (!this.settled) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "SETTINGS are acknowledged before any");
      return;
    }
    const before = this.peer.initialWindowBytes;
    readSettings(this.peer, bytes, start, end);
    this.encoder.setPeerLimit(this.peer.headerTableBytes);
    const delta = this.peer.initialWindowBytes - before;
    if (delta !== 0) this.#shiftWindows(delta);
    this.settled = true;
    this.writeFrame(FrameType.SETTINGS, Flag.ACK, 0, NOTHING);
    this.onSettings();
    this.pump();
  }

  #shiftWindows(delta: number): void {
    for (const stream of this.streams.all()) {
      stream.sendWindow += delta;
      if (stream.sendWindow > MAX_31_BITS) {
        throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "a stream's window is larger than 31 bits");
      }
      if (delta > 0 && stream.pending !== undefined) this.#queue.push(stream);
    }
  }

  #ping(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id !== 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `PING on stream ${id}`);
    if (end - start !== 8) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "PING has not 8 bytes");
    if ((flags & Flag.ACK) !== 0) {
      if (this.#pingSentAt === 0) {
        this.chargeControl("answers to no PING");
        return;
      }
      this.#pingSentAt = 0;
      this.pingAnsweredAt = now();
      this.onPingAnswered();
      return;
    }
    this.chargeControl("PING frames");
    this.writeFrame(FrameType.PING, Flag.ACK, 0, bytes.subarray(start, end));
  }

  #goAway(id: number, bytes: Buffer, start: number, end: number): void {
    if (id !== 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `GOAWAY on stream ${id}`);
    if (end - start < 8) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "GOAWAY has less than 8 bytes");
    this.chargeControl("GOAWAY frames");
    const lastId = readUint32(bytes, start) & MAX_31_BITS;
    const debug = bytes.toString("latin1", start + 8, Math.min(end, start + 8 + 200));
    this.onGoAway(lastId, readUint32(bytes, start + 4), debug);
  }

  #windowUpdate(id: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "WINDOW_UPDATE has not 4 bytes");
    if (this.#updatesDue > 0) this.#updatesDue--;
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
    if (stream.pending === undefined) return;
    this.#queue.push(stream);
    this.pump();
  }

  #widen(increment: number): void {
    if (increment === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE of 0");
    this.#sendWindow += increment;
    if (this.#sendWindow > MAX_31_BITS) {
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "the connection's window is larger than 31 bits");
    }
    this.pump();
  }

  /** @throws ConnectionError where the peer sends more of what carries no call forward than it may */
  protected chargeControl(what: string): void {
    if (this.#control.spend()) return;
    throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, `too many ${what}`);
  }

  // Sending.

  /** Sends what this side must say first. */
  protected announce(before: Buffer, maxMetadataBytes: number, more: readonly (readonly [number, number])[]): void {
    const { limits } = this;
    const settings = encodeSettings([
      [Setting.INITIAL_WINDOW_SIZE, limits.streamWindowBytes],
      [Setting.MAX_FRAME_SIZE, limits.maxFrameBytes],
      [Setting.MAX_HEADER_LIST_SIZE, maxMetadataBytes],
      ...more,
    ]);
    if (before.length > 0) {
      const at = this.outbox.reserve(before.length);
      before.copy(this.outbox.slab, at);
      this.outbox.commit(at + before.length);
    }
    this.writeFrame(FrameType.SETTINGS, 0, 0, settings);
    this.#unsaid = limits.connectionWindowBytes - DEFAULT_WINDOW_BYTES;
    this.#updateConnection();
  }

  writeFrame(type: number, flags: number, id: number, payload: Buffer): void {
    if (this.deaf) return;
    const { outbox } = this;
    if (outbox.backlog > MOST_BACKLOG_BYTES) {
      // Never in the middle of a frame: everything that calls this has finished its own.
      this.destroy("the peer does not read");
      return;
    }
    const at = outbox.reserve(FRAME_HEADER_BYTES + payload.length);
    writeFrameHeader(outbox.slab, at, payload.length, type, flags, id);
    payload.copy(outbox.slab, at + FRAME_HEADER_BYTES);
    outbox.commit(at + FRAME_HEADER_BYTES + payload.length);
  }

  /** Writes a header block, with CONTINUATION frames where the peer's frames do not hold it. */
  writeBlock(id: number, block: Buffer, length: number, ended: boolean): void {
    const { outbox } = this;
    const most = this.peer.maxFrameBytes;
    if (length > most) {
      this.#writeLongBlock(id, block, length, ended);
      return;
    }
    const at = outbox.reserve(FRAME_HEADER_BYTES + length);
    const { slab } = outbox;
    const flags = ended ? Flag.END_HEADERS | Flag.END_STREAM : Flag.END_HEADERS;
    writeFrameHeader(slab, at, length, FrameType.HEADERS, flags, id);
    const to = at + FRAME_HEADER_BYTES;
    if (length <= 32) for (let i = 0; i < length; i++) slab[to + i] = block[i] as number;
    else block.copy(slab, to, 0, length);
    outbox.commit(to + length);
  }

  #writeLongBlock(id: number, block: Buffer, length: number, ended: boolean): void {
    const most = this.peer.maxFrameBytes;
    this.writeFrame(FrameType.HEADERS, ended ? Flag.END_STREAM : 0, id, block.subarray(0, most));
    for (let at = most; at < length; at += most) {
      const end = Math.min(length, at + most);
      this.writeFrame(FrameType.CONTINUATION, end === length ? Flag.END_HEADERS : 0, id, block.subarray(at, end));
    }
  }

  /**
   * Sends a message, at once where the windows allow it, and else as they do.
   * @returns true where the next message may be sent at once too
   * @throws RpcError where it does not encode or is too large; nothing is sent then
   */
  sendMessage(stream: S, type: MessageType<unknown>, message: unknown, ends: boolean): boolean {
    const { outbox } = this;
    if (stream.pending !== undefined || outbox.crowded) {
      const bytes = this.encode(type, message);
      this.sendLater(stream, bytes, ends);
      return false;
    }
    const writer = this.#writer;
    const offset = outbox.reserve(DATA_OVERHEAD_BYTES + 64);
    const slab = outbox.slab;
    const end = writer.write(type, message, slab, offset, DATA_OVERHEAD_BYTES);
    const { start } = writer;
    const payload = end - start - FRAME_HEADER_BYTES;
    checkSize("sent", payload - PREFIX_BYTES, this.#maxSendMessageBytes);
    const moved = writer.slab !== slab;
    writePrefix(writer.slab, start + FRAME_HEADER_BYTES, 0, payload - PREFIX_BYTES);
    if (payload > this.#room(stream)) {
      const rest = writer.slab.subarray(start + FRAME_HEADER_BYTES, end);
      this.sendLater(stream, moved ? rest : Buffer.from(rest), ends);
      return false;
    }
    writeFrameHeader(writer.slab, start, payload, FrameType.DATA, ends ? Flag.END_STREAM : 0, stream.id);
    if (moved) outbox.attach(writer.slab.subarray(start, end));
    else outbox.commit(end);
    this.#count(stream, payload);
    if (ends) stream.localEnded = true;
    return !outbox.crowded;
  }

  /** Encodes a message, with gRPC's prefix, into a buffer of its own. */
  encode(type: MessageType<unknown>, message: unknown): Buffer {
    const writer = this.#writer;
    const end = writer.write(type, message, NOTHING, 0, PREFIX_BYTES);
    const length = end - writer.start - PREFIX_BYTES;
    checkSize("sent", length, this.#maxSendMessageBytes);
    writePrefix(writer.slab, writer.start, 0, length);
    return writer.slab.subarray(writer.start, end);
  }

  /** Sends a message that is encoded and has its prefix when its turn comes. */
  sendLater(stream: S, framed: Buffer, ends: boolean): void {
    if (stream.pending === undefined) {
      stream.pending = [framed];
      stream.pendingOffset = 0;
    } else stream.pending.push(framed);
    if (ends) stream.endsAfterPending = true;
    this.#queue.push(stream);
    this.#schedulePump();
  }

  /** Calls the stream's `onRoom` when the socket has taken what is there. */
  waitForRoom(stream: S): void {
    this.#queue.push(stream);
    this.#schedulePump();
  }

  /** Ends a stream's sending with an empty DATA frame. */
  sendEnd(stream: S): void {
    if (stream.pending !== undefined) {
      stream.endsAfterPending = true;
      return;
    }
    this.writeFrame(FrameType.DATA, Flag.END_STREAM, stream.id, NOTHING);
    this.endLocal(stream);
  }

  /** Our side of a stream has been ended. */
  endLocal(stream: S): void {
    stream.localEnded = true;
    if (stream.remoteEnded) this.forget(stream);
  }

  /** How much of a stream one frame may carry now. */
  #room(stream: S): number {
    return Math.min(stream.sendWindow, this.#sendWindow, this.peer.maxFrameBytes, FAIR_FRAME_BYTES);
  }

  #count(stream: S, payload: number): void {
    stream.sendWindow -= payload;
    this.#sendWindow -= payload;
    this.#updatesDue += 4;
  }

  /** Gives each stream that waits its turn, while there is room. */
  pump(): void {
    while (!this.#queue.empty && !this.deaf && !this.outbox.crowded && this.#sendWindow > 0) {
      const stream = this.#queue.shift() as S;
      if (stream.closed) continue;
      if (stream.pending !== undefined) this.#sendPending(stream);
      if (stream.pending === undefined && !stream.closed) stream.onRoom();
      else if (stream.sendWindow > 0) this.#queue.push(stream);
    }
  }

  /** Sends one frame of what is pending. */
  #sendPending(stream: S): void {
    const first = (stream.pending as Buffer[])[0] as Buffer;
    const left = first.length - stream.pendingOffset;
    const payload = Math.min(left, this.#room(stream));
    if (payload <= 0) return;
    const piece = first.subarray(stream.pendingOffset, stream.pendingOffset + payload);
    stream.pendingOffset += payload;
    if (payload === left) {
      stream.pending?.shift();
      stream.pendingOffset = 0;
      if (stream.pending?.length === 0) stream.pending = undefined;
    }
    const ends = stream.endsAfterPending && stream.pending === undefined;
    this.#count(stream, payload);
    this.#writeData(stream.id, piece, ends);
    if (ends) this.endLocal(stream);
  }

  #writeData(id: number, piece: Buffer, ends: boolean): void {
    const { outbox } = this;
    const byReference = piece.length >= BY_REFERENCE_BYTES;
    const at = outbox.reserve(FRAME_HEADER_BYTES + (byReference ? 0 : piece.length));
    writeFrameHeader(outbox.slab, at, piece.length, FrameType.DATA, ends ? Flag.END_STREAM : 0, id);
    if (!byReference) piece.copy(outbox.slab, at + FRAME_HEADER_BYTES);
    outbox.commit(at + FRAME_HEADER_BYTES + (byReference ? 0 : piece.length));
    if (byReference) outbox.attach(piece);
  }

  #drained(): void {
    if (!this.#queue.empty) this.#schedulePump();
  }

  /** Not at once: a producer that never waits must leave the event loop its turn. */
  #schedulePump(): void {
    if (this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    setImmediate(() => {
      this.#pumpScheduled = false;
      this.pump();
    });
  }

  #updateConnection(): void {
    this.#writeWindowUpdate(0, this.#unsaid);
    this.#receiveWindow += this.#unsaid;
    this.#unsaid = 0;
  }

  #updateStream(window: ReceiveWindow, bytes: number): void {
    const stream = window as S;
    if (!stream.remoteEnded && !stream.closed) this.#writeWindowUpdate(stream.id, bytes);
  }

  #writeWindowUpdate(id: number, bytes: number): void {
    const payload = Buffer.allocUnsafe(4);
    writeUint32(payload, 0, bytes);
    this.writeFrame(FrameType.WINDOW_UPDATE, 0, id, payload);
  }

  /** @param window what the peer may still have sent */
  writeReset(id: number, code: number, window: number): void {
    const payload = Buffer.allocUnsafe(4);
    writeUint32(payload, 0, code);
    this.writeFrame(FrameType.RST_STREAM, 0, id, payload);
    this.closedStreams.add(id, true, window);
  }

  /** Resets a stream and forgets it. The stream itself is not told. */
  resetStream(stream: S, code: number): void {
    if (stream.closed) return;
    this.writeReset(stream.id, code, Math.max(0, stream.window));
    this.forget(stream);
  }

  /** The stream is closed on both sides. */
  forget(stream: S): void {
    if (stream.closed) return;
    stream.closed = true;
    stream.pending = undefined;
    this.streams.remove(stream);
    this.budget.release(stream);
    this.closedStreams.add(stream.id, false, 0);
    this.onForgotten(stream);
  }

  protected abstract onForgotten(stream: S): void;

  /** Asks whether the peer lives. */
  ping(): void {
    this.#pingSentAt = now();
    this.writeFrame(FrameType.PING, 0, 0, PING_PAYLOAD);
  }

  /** Since when a PING has waited for its answer, on the clock of `now()`; 0 where none does. */
  get pingSentAt(): number {
    return this.#pingSentAt;
  }

  /** True while a header block has begun and is not whole. */
  get blockUnderWay(): boolean {
    return this.#blocks.underWay || this.reader.partial;
  }

  writeGoAway(lastId: number, code: number, reason: string): void {
    const text = Buffer.from(reason.slice(0, 200), "latin1");
    const payload = Buffer.allocUnsafe(8 + text.length);
    writeUint32(payload, 0, lastId);
    writeUint32(payload, 4, code);
    text.copy(payload, 8);
    this.writeFrame(FrameType.GOAWAY, 0, 0, payload);
  }

  // Ending.

  /** Tells the peer what it did, and ends the connection. */
  fail(code: number, reason: string): void {
    if (this.deaf) return;
    this.writeGoAway(this.lastSeenId, code, reason);
    this.outbox.end();
    this.#end(`${reason} (${errorCodeName(code)})`);
    this.socket.end();
    // A peer that does not close its half keeps the socket no longer than this.
    setTimeout(() => this.socket.destroy(), 1000).unref();
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
    setTimeout(() => this.socket.destroy(), 1000).unref();
  }

  #end(reason: string): void {
    if (this.deaf) return;
    this.deaf = true;
    this.goingAway = true;
    this.outbox.close();
    for (const stream of this.streams.all()) {
      this.forget(stream);
      stream.onLost(reason);
    }
    this.onClosed(reason);
  }
}

const NOTHING = Buffer.allocUnsafeSlow(0);
const PING_PAYLOAD = Buffer.from("trunklin", "latin1");

/** Writes gRPC's prefix of a message. */
export function writePrefix(bytes: Buffer, at: number, flag: number, length: number): void {
  bytes[at] = flag;
  writeUint32(bytes, at + 1, length);
}

/** @throws ConnectionError for a stream that depends on itself. RFC 7540, section 5.3.1 */
function checkDependency(id: number, bytes: Buffer, start: number): void {
  if ((readUint32(bytes, start) & MAX_31_BITS) !== id) return;
  throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `stream ${id} depends on itself`);
}
