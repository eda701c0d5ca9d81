import { Code } from "../../core/code.ts";
import type { MessageType } from "../../core/message.ts";
import { RpcError } from "../../core/rpc-error.ts";
import type { Compression } from "../../core/transport.ts";
import { SlabWriter } from "../codec/slab-writer.ts";
import type { MemoryAccount } from "../memory-account.ts";
import { isOver, Oversize } from "../oversize.ts";
import { compressFramed } from "./compression.ts";
import { DEFAULT_WINDOW_BYTES, Flag, FRAME_HEADER_BYTES, FrameType, writeFrameHeader, writeUint32 } from "./frame.ts";
import type { FrameWriter } from "./frame-writer.ts";
import { PREFIX_BYTES } from "./inbox.ts";
import type { Outbox } from "./outbox.ts";
import { SendQueue } from "./send-queue.ts";
import type { PeerSettings } from "./settings.ts";
import { takeRoom } from "./slabs.ts";
import type { Stream } from "./stream.ts";

/** A header of a frame and the prefix of a message. */
const OVERHEAD_BYTES = FRAME_HEADER_BYTES + PREFIX_BYTES;
/** The most that one message sends before others have their turn. */
const FAIR_FRAME_BYTES = 128 * 1024;
/** Pieces of this size leave by reference, smaller ones are copied next to their frame's header. */
const BY_REFERENCE_BYTES = 8 * 1024;
/** Up to this size a message is not worth counting. */
const TRIFLE_BYTES = 1024;
const NOTHING = Buffer.allocUnsafeSlow(0);
/** Small messages that may have to wait are encoded to this first. */
const scratch = Buffer.allocUnsafeSlow(4 * 1024);
/** What a message has at least to be encoded to, before it moves to memory of its own. */
export const MESSAGE_ROOM_BYTES: number = OVERHEAD_BYTES + 64;

export interface MessageSenderOptions {
  /** What has to wait for the peer is charged to this. */
  readonly memory: MemoryAccount;
  /** Whether it is refused where there is no memory for it. Else it waits uncharged. */
  readonly refuses: boolean;
  /** The largest message, in bytes; no limit where it is -1 or not given. */
  readonly maxMessageBytes: number | undefined;
}

/**
 * Sends messages as DATA: at once where the peer's windows and the socket have room, and else stream by stream, a frame
 * each in turn, as they get it. RFC 9113, section 5.2.
 */
export class MessageSender<S extends Stream> {
  /** What the peer lets us send on the connection, in bytes. */
  window: number = DEFAULT_WINDOW_BYTES;
  /** How many WINDOW_UPDATEs and PINGs what we sent may bring: a few for each message, and one for each KiB. */
  framesDue = 0;
  readonly #outbox: Outbox;
  readonly #frames: FrameWriter;
  readonly #peer: PeerSettings;
  readonly #options: MessageSenderOptions;
  readonly #ended: (stream: S) => void;
  readonly #writer = new SlabWriter(takeRoom);
  readonly #queue = new SendQueue<S>();
  #pumpScheduled = false;
  /** The DATA frame that was written last: while it has not left, more of its stream's messages can join it. */
  #frameId = 0;
  #frameSlab: Buffer = NOTHING;
  #frameStart = 0;
  #frameEnd = 0;
  /** Of the outbox, when it began. */
  #frameClosings = 0;

  /** @param ended called when the end of a stream is sent */
  constructor(
    outbox: Outbox,
    frames: FrameWriter,
    peer: PeerSettings,
    options: MessageSenderOptions,
    ended: (stream: S) => void,
  ) {
    this.#outbox = outbox;
    this.#frames = frames;
    this.#peer = peer;
    this.#options = options;
    this.#ended = ended;
  }

  /**
   * Sends a message.
   * @returns true where the next message may be sent at once
   * @throws RpcError where it is too large, or would have to wait and may not, or what its codec throws; nothing is sent
   *   then
   */
  send(stream: S, type: MessageType<unknown>, message: unknown, ends: boolean): boolean {
    const outbox = this.#outbox;
    if (stream.pending !== undefined || outbox.crowded) {
      this.sendLater(stream, this.encode(type, message), ends);
      return false;
    }
    const writer = this.#writer;
    const at = outbox.lend(MESSAGE_ROOM_BYTES);
    const { slab } = outbox;
    const joins = this.#joins(stream.id, at);
    const header = joins ? 0 : FRAME_HEADER_BYTES;
    const end = this.#encodeLent(type, message, slab, at, header + PREFIX_BYTES);
    // A getter of the message may have ended the call, or sent something else.
    const undisturbed = outbox.takeBack();
    if (stream.closed) return false;
    const prefix = writer.start + header;
    const payload = end - prefix;
    this.#mustFit(payload - PREFIX_BYTES);
    const moved = writer.slab !== slab;
    writePrefix(writer.slab, prefix, payload - PREFIX_BYTES);
    if (!undisturbed || (joins && moved) || payload > this.#room(stream, joins)) {
      const framed = writer.slab.subarray(prefix, end);
      this.sendLater(stream, moved ? framed : Buffer.from(framed), ends);
      return false;
    }
    if (!joins) this.#beginFrame(stream.id, writer.slab, writer.start);
    this.#endFrame(end, ends);
    if (moved) {
      outbox.attach(writer.slab.subarray(writer.start, end));
      outbox.retire(writer.slab);
    } else if (joins) outbox.extend(end);
    else outbox.commit(end);
    this.#count(stream, payload);
    if (ends) this.#ended(stream);
    return !outbox.crowded;
  }

  #encodeLent(type: MessageType<unknown>, message: unknown, slab: Buffer, at: number, reserve: number): number {
    try {
      return this.#writer.write(type, message, slab, at, reserve);
    } catch (error) {
      this.#outbox.takeBack();
      throw error;
    }
  }

  #mustFit(bytes: number): void {
    const { maxMessageBytes } = this.#options;
    if (isOver(bytes, maxMessageBytes)) throw new Oversize(bytes, maxMessageBytes);
  }

  /** Encodes a message, with gRPC's prefix, into a buffer of its own. */
  encode(type: MessageType<unknown>, message: unknown): Buffer {
    const writer = this.#writer;
    const end = writer.write(type, message, scratch, 0, PREFIX_BYTES);
    const length = end - writer.start - PREFIX_BYTES;
    this.#mustFit(length);
    writePrefix(writer.slab, writer.start, length);
    const framed = writer.slab.subarray(writer.start, end);
    // It may wait for long: what is small must not keep a slab in memory.
    return writer.slab === scratch ? Buffer.from(framed) : framed;
  }

  /**
   * Sends a message that is encoded and has its prefix when its turn comes.
   * @throws RpcError RESOURCE_EXHAUSTED where it may not wait
   */
  sendLater(stream: S, framed: Buffer, ends: boolean): void {
    if (stream.closed) return;
    stream.unsent += this.#keep(stream, framed.length);
    if (stream.pending === undefined) {
      stream.pending = [framed];
      stream.pendingOffset = 0;
    } else stream.pending.push(framed);
    if (ends) stream.endsAfterPending = true;
    this.wait(stream);
  }

  /** The same for a message that is compressed first, off the main thread. */
  async sendCompressed(
    stream: S,
    encoding: Exclude<Compression, "identity">,
    framed: Buffer,
    ends: boolean,
  ): Promise<void> {
    const kept = this.#keep(stream, framed.length);
    const { memory } = this.#options;
    let compressed: Buffer | undefined;
    try {
      compressed = await compressFramed(encoding, framed, memory, () => !stream.closed);
    } finally {
      this.#free(stream, kept);
    }
    if (compressed !== undefined) this.sendLater(stream, compressed, ends);
  }

  /**
   * Charges what is kept until the peer takes it, and gives how much was charged. A reply that is no larger than what its
   * request took has its room.
   */
  #keep(stream: S, bytes: number): number {
    if (bytes <= TRIFLE_BYTES) return 0;
    const { memory, refuses } = this.#options;
    if (memory.keepUnsent(bytes)) return bytes;
    if (!refuses) return 0;
    if (stream.roomOfRequest >= bytes) {
      stream.isInRoomOfRequest = true;
      memory.keepElsewhere(bytes);
      return bytes;
    }
    const why =
      `a message of ${bytes} bytes cannot wait for its receiver: memoryBudgetBytes is ${memory.budgetBytes}, ` +
      "and too much waits already; read what was sent before";
    throw new RpcError(Code.RESOURCE_EXHAUSTED, why);
  }

  #free(stream: S, bytes: number): void {
    const { memory } = this.#options;
    if (stream.isInRoomOfRequest) memory.freeElsewhere(bytes);
    else memory.freeUnsent(bytes);
    stream.isInRoomOfRequest = false;
  }

  /** Lets go of what is pending. */
  drop(stream: S): void {
    if (stream.pending === undefined) return;
    stream.pending = undefined;
    this.#free(stream, stream.unsent);
    stream.unsent = 0;
  }

  /** Gives a stream its turn once the socket has taken what is there. */
  wait(stream: S): void {
    this.#queue.push(stream);
    this.#schedulePump();
  }

  /** There are no more messages on a stream. */
  end(stream: S): void {
    if (stream.pending !== undefined) {
      stream.endsAfterPending = true;
      return;
    }
    this.#frames.end(stream.id);
    this.#ended(stream);
  }

  /** A stream's window has grown. */
  widened(stream: S): void {
    if (stream.pending !== undefined) this.#queue.push(stream);
  }

  /** The socket has taken everything. */
  drained(): void {
    if (!this.#queue.empty) this.#schedulePump();
  }

  /** Gives each stream that waits its turn, while there is room. */
  pump(): void {
    while (!this.#queue.empty && !this.#frames.muted && !this.#outbox.crowded && this.window > 0) {
      const stream = this.#queue.shift() as S;
      if (stream.closed) continue;
      if (stream.pending !== undefined) this.#sendPending(stream, stream.pending);
      if (stream.pending === undefined && !stream.closed) stream.onRoom();
      else if (stream.sendWindow > 0) this.#queue.push(stream);
    }
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

  /** Sends one frame of what is pending. */
  #sendPending(stream: S, pending: Buffer[]): void {
    const first = pending[0] as Buffer;
    const left = first.length - stream.pendingOffset;
    const payload = Math.min(left, this.#room(stream, false));
    if (payload <= 0) return;
    const piece = first.subarray(stream.pendingOffset, stream.pendingOffset + payload);
    stream.pendingOffset += payload;
    const { memory } = this.#options;
    memory.taken(payload);
    if (payload === left) {
      // What is kept is the whole buffer, however much of it has left.
      const charged = Math.min(stream.unsent, first.length);
      stream.unsent -= charged;
      this.#free(stream, charged);
      pending.shift();
      stream.pendingOffset = 0;
      if (pending.length === 0) stream.pending = undefined;
    }
    const ends = stream.endsAfterPending && stream.pending === undefined;
    this.#count(stream, payload);
    this.#writeData(stream.id, piece, ends);
    if (payload === left) this.#outbox.retire(first);
    if (ends) this.#ended(stream);
  }

  #writeData(id: number, piece: Buffer, ends: boolean): void {
    const outbox = this.#outbox;
    const copied = piece.length < BY_REFERENCE_BYTES ? piece.length : 0;
    const at = outbox.reserve(FRAME_HEADER_BYTES + copied);
    writeFrameHeader(outbox.slab, at, piece.length, FrameType.DATA, ends ? Flag.END_STREAM : 0, id);
    if (copied > 0) piece.copy(outbox.slab, at + FRAME_HEADER_BYTES);
    outbox.commit(at + FRAME_HEADER_BYTES + copied);
    if (copied === 0) outbox.attach(piece);
  }

  /** True where the frame that was written last is of this stream, ends at `at` and has not left. */
  #joins(id: number, at: number): boolean {
    return (
      this.#frameId === id &&
      this.#frameEnd === at &&
      this.#frameSlab === this.#outbox.slab &&
      this.#frameClosings === this.#outbox.closings
    );
  }

  #beginFrame(id: number, slab: Buffer, start: number): void {
    this.#frameId = id;
    this.#frameSlab = slab;
    this.#frameStart = start;
    this.#frameClosings = this.#outbox.closings;
  }

  #endFrame(end: number, ends: boolean): void {
    const length = end - this.#frameStart - FRAME_HEADER_BYTES;
    const flags = ends ? Flag.END_STREAM : 0;
    writeFrameHeader(this.#frameSlab, this.#frameStart, length, FrameType.DATA, flags, this.#frameId);
    this.#frameEnd = end;
  }

  /** How much more of a stream a frame may carry now. */
  #room(stream: S, joins: boolean): number {
    const carried = joins ? this.#frameEnd - this.#frameStart - FRAME_HEADER_BYTES : 0;
    const frame = Math.min(this.#peer.maxFrameBytes, FAIR_FRAME_BYTES) - carried;
    return Math.min(stream.sendWindow, this.window, frame);
  }

  #count(stream: S, payload: number): void {
    stream.sendWindow -= payload;
    this.window -= payload;
    this.framesDue += 4 + (payload >>> 10);
  }
}

/** Writes gRPC's prefix of a message that is not compressed. */
function writePrefix(bytes: Buffer, at: number, length: number): void {
  bytes[at] = 0;
  writeUint32(bytes, at + 1, length);
}
