import type { MemoryAccount } from "../memory-account.ts";
import { ConnectionError } from "./connection-error.ts";
import { ErrorCode, Flag, FRAME_HEADER_BYTES, FrameType, readUint32 } from "./frame.ts";

/** What the frames mean to a connection. */
export interface FrameSink {
  /** A DATA frame begins. It counts `length` bytes of the windows; `padding` of them never come as data. */
  data(id: number, length: number, padding: number, ended: boolean): void;
  /** What a DATA frame brought; `ended` with the last of it where the stream ends there. The bytes are only lent. */
  dataPart(id: number, bytes: Buffer, start: number, end: number, ended: boolean): void;
  /** Any other frame, whole. The bytes are only lent. */
  frame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void;
  /** True once nothing more is to be read. */
  readonly deaf: boolean;
}

const NONE = Buffer.allocUnsafeSlow(0);
/** Up to this size what is held of a frame is part of what a connection is. */
const SMALL_BYTES = 1024;

/**
 * Cuts what a socket reads into frames. DATA is handed on as it comes; other frames are held until they are whole, for
 * which their length is limited. A length alone reserves nothing: what is held grows as the bytes of the frame come, and
 * is charged to the peer.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #maxFrameBytes: number;
  readonly #maxHeldBytes: number;
  readonly #memory: MemoryAccount;
  #charged = 0;
  /** A frame that is not whole yet, its header included. */
  #held: Buffer = NONE;
  #heldBytes = 0;
  /** The DATA frame under way: what is still to come, and of it, of padding. */
  #dataId = 0;
  #dataLeft = 0;
  #paddingLeft = 0;
  #dataEnded = false;
  /** What is still to come of a frame of an unknown type. */
  #skip = 0;

  /**
   * @param maxFrameBytes the SETTINGS_MAX_FRAME_SIZE that was announced
   * @param maxHeldBytes the largest frame of another type than DATA
   * @param memory is charged with what is held of one
   */
  constructor(sink: FrameSink, maxFrameBytes: number, maxHeldBytes: number, memory: MemoryAccount) {
    this.#sink = sink;
    this.#maxFrameBytes = maxFrameBytes;
    this.#maxHeldBytes = maxHeldBytes;
    this.#memory = memory;
  }

  /** True while a frame other than DATA has begun and is not whole. */
  get partial(): boolean {
    return this.#heldBytes > 0;
  }

  /**
   * Reads `bytes` up to `end`.
   * @throws ConnectionError
   */
  read(bytes: Buffer, end: number): void {
    let at = 0;
    while (at < end && !this.#sink.deaf) {
      if (this.#dataLeft > 0 || this.#paddingLeft > 0) at = this.#readData(bytes, at, end);
      else if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, end - at);
        this.#skip -= skipped;
        at += skipped;
      } else if (this.#heldBytes > 0) at = this.#readHeld(bytes, at, end);
      else if (end - at < FRAME_HEADER_BYTES + 1) {
        // A header alone is whole where there is no payload; the byte more is where the length of the padding stands.
        if (end - at === FRAME_HEADER_BYTES && lengthAt(bytes, at) === 0) at = this.#readFrame(bytes, at, end);
        else at = this.#hold(bytes, at, end, FRAME_HEADER_BYTES + 1);
      } else at = this.#readFrame(bytes, at, end);
    }
  }

  /** Reads a frame whose header is there, and with DATA the length of its padding. */
  #readFrame(bytes: Buffer, at: number, end: number): number {
    const length = lengthAt(bytes, at);
    const type = bytes[at + 3] as number;
    const flags = bytes[at + 4] as number;
    const id = readUint32(bytes, at + 5) & 0x7fffffff;
    const start = at + FRAME_HEADER_BYTES;
    this.#checkLength(type, length);
    if (type === FrameType.DATA) return this.#beginData(bytes, start, end, length, flags, id);
    if (type > FrameType.CONTINUATION) {
      this.#sink.frame(type, flags, id, bytes, start, start);
      this.#skip = length;
      return start;
    }
    if (start + length > end) return this.#hold(bytes, at, end, FRAME_HEADER_BYTES + length);
    this.#sink.frame(type, flags, id, bytes, start, start + length);
    return start + length;
  }

  #checkLength(type: number, length: number): void {
    if (length > this.#maxFrameBytes) {
      throw new ConnectionError(
        ErrorCode.FRAME_SIZE_ERROR,
        `a frame of ${length} bytes; ${this.#maxFrameBytes} are allowed`,
      );
    }
    if (type <= FrameType.CONTINUATION && type !== FrameType.DATA && length > this.#maxHeldBytes) {
      throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, `a frame of type ${type} has ${length} bytes`);
    }
  }

  #beginData(bytes: Buffer, start: number, end: number, length: number, flags: number, id: number): number {
    const ended = (flags & Flag.END_STREAM) !== 0;
    let body = length;
    let at = start;
    this.#paddingLeft = 0;
    if ((flags & Flag.PADDED) !== 0) {
      if (length === 0) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "padding without its length");
      this.#paddingLeft = bytes[at++] as number;
      body = length - 1 - this.#paddingLeft;
      if (body < 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "more padding than the frame is long");
    }
    this.#sink.data(id, length, length - body, ended);
    if (body === 0) {
      this.#sink.dataPart(id, bytes, at, at, ended);
      return at;
    }
    this.#dataId = id;
    this.#dataLeft = body;
    this.#dataEnded = ended;
    return at < end ? this.#readData(bytes, at, end) : at;
  }

  #readData(bytes: Buffer, start: number, end: number): number {
    let at = start;
    if (this.#dataLeft > 0) {
      at = Math.min(end, start + this.#dataLeft);
      this.#dataLeft -= at - start;
      this.#sink.dataPart(this.#dataId, bytes, start, at, this.#dataEnded && this.#dataLeft === 0);
    }
    const padding = Math.min(end - at, this.#dataLeft > 0 ? 0 : this.#paddingLeft);
    this.#paddingLeft -= padding;
    return at + padding;
  }

  #hold(bytes: Buffer, at: number, end: number, wanted: number): number {
    this.#heldBytes = 0;
    this.#reserve(end - at, wanted);
    bytes.copy(this.#held, 0, at, end);
    this.#heldBytes = end - at;
    return end;
  }

  /** Makes room for `count` bytes, of a frame that takes `wanted`. */
  #reserve(count: number, wanted: number): void {
    if (count <= this.#held.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(64, Math.min(wanted, 2 * count)));
    this.#held.copy(larger, 0, 0, this.#heldBytes);
    this.#held = larger;
    if (larger.length <= SMALL_BYTES) return;
    this.#memory.hold(larger.length - this.#charged);
    this.#charged = larger.length;
  }

  /** What is small may stay for the next frame. */
  #letGo(): void {
    if (this.#held.length <= SMALL_BYTES) return;
    this.#held = NONE;
    this.#memory.free(this.#charged);
    this.#charged = 0;
  }

  /** Completes the frame that is held: first its header, then the rest. */
  #readHeld(bytes: Buffer, at: number, end: number): number {
    let next = at;
    if (this.#heldBytes < FRAME_HEADER_BYTES) next = this.#fill(bytes, next, end, FRAME_HEADER_BYTES);
    if (this.#heldBytes < FRAME_HEADER_BYTES) return next;
    const length = lengthAt(this.#held, 0);
    const type = this.#held[3] as number;
    this.#checkLength(type, length);
    const asItComes = type === FrameType.DATA || type > FrameType.CONTINUATION;
    // Of DATA only the length of its padding must be there; the rest goes on from the bytes themselves.
    const wanted = FRAME_HEADER_BYTES + (asItComes ? Math.min(1, length) : length);
    next = this.#fill(bytes, next, end, wanted);
    if (this.#heldBytes < wanted) return next;
    const held = this.#held;
    const heldBytes = this.#heldBytes;
    this.#heldBytes = 0;
    this.#letGo();
    const read = this.#readFrame(held, 0, heldBytes);
    if (read < heldBytes) this.#skip -= heldBytes - read;
    return next;
  }

  #fill(bytes: Buffer, at: number, end: number, wanted: number): number {
    const count = Math.max(0, Math.min(wanted - this.#heldBytes, end - at));
    this.#reserve(this.#heldBytes + count, wanted);
    bytes.copy(this.#held, this.#heldBytes, at, at + count);
    this.#heldBytes += count;
    return at + count;
  }
}

function lengthAt(bytes: Buffer, at: number): number {
  return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
}
