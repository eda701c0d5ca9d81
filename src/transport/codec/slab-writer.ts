import { isUint8Array } from "node:util/types";
import type { MessageType } from "../../core/message.ts";
import { putSigned, putUnsigned, toSigned, toUnsigned, wrong } from "./field-value.ts";
import { scratch, scratchBytes } from "./scratch.ts";
import { WriterBase } from "./wire-base.ts";

/** Up to this length a loop in JavaScript writes ASCII faster than a call into native code does. */
const loopLength = 8;
const longLength = 4096;
/** What a slab has at least beyond the field that it was made for. */
const spareBytes = 4096;

/** One message holds another so often, as readers in every language take it. */
const mostForks = 99;

/**
 * A `BinaryWriter` that encodes straight into a slab its owner gives it, behind what already stands there, and leaves
 * room for a header in front of the message. Its bytes are those of `@bufbuild/protobuf`. One writer serves any number
 * of messages, one at a time, and allocates nothing while they fit their slab.
 *
 * ```ts
 * const end = writer.write(Type, message, slab, offset, 14);
 * // writer.slab holds 14 bytes to fill in at writer.start, then the message up to `end`.
 * ```
 *
 * A message that does not fit moves to a larger slab, alone with its header: then `writer.slab` is another than the one
 * given, `writer.start` is 0, and what stood in the old slab before `offset` is still there.
 *
 * A value of the wrong type is refused with a TypeError that says what was given. Where the stock writer writes the
 * text "undefined", this one throws.
 */
export class SlabWriter extends WriterBase {
  /** Where the last message stands. */
  slab: Buffer = Buffer.alloc(0);
  /** Where the room for the header of the last message begins. */
  start = 0;
  /** Where the next byte goes. */
  at = 0;
  #reserve = 0;
  #forks: number[] = [];
  #busy: boolean = false;
  readonly #allocate: (bytes: number) => Buffer;

  /** @param allocate makes the memory for a message that does not fit: at least so many bytes, of any content */
  constructor(allocate: (bytes: number) => Buffer = Buffer.allocUnsafeSlow) {
    super();
    this.#allocate = allocate;
  }

  /**
   * Encodes a message into `slab` at `offset + reserve` and returns the offset behind its last byte.
   * @param reserve bytes to leave free in front of the message
   * @throws TypeError for a value that its field cannot hold, RangeError for a message no buffer can hold
   */
  write<T>(type: MessageType<T>, message: T, slab: Buffer, offset: number, reserve: number): number {
    // A getter of a message may do anything, even make a call on the connection that this writer belongs to.
    if (this.#busy) throw new Error(`${type.$type}: a message was sent while another was being encoded`);
    this.#busy = true;
    try {
      this.begin(slab, offset, reserve);
      const written = type.encode(message, this as never);
      // A codec that is not ts-proto's may bring its own bytes.
      if ((written as unknown) !== this) this.raw(written.finish());
      return this.at;
    } finally {
      this.#busy = false;
    }
  }

  /** Begins a message by hand; `write` is the usual way. */
  begin(slab: Buffer, offset: number, reserve: number): void {
    this.slab = slab;
    this.start = offset;
    this.at = offset + reserve;
    this.#reserve = reserve;
    if (this.#forks.length > 0) this.#forks.length = 0;
    if (this.at > slab.length) this.#grow(0);
  }

  /** A copy of the message written since `begin`. The next one may begin at once. */
  override finish(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.at - this.start - this.#reserve);
    bytes.set(this.slab.subarray(this.start + this.#reserve, this.at));
    this.at = this.start + this.#reserve;
    return bytes;
  }

  override fork(): this {
    if (this.#forks.length >= mostForks)
      throw new RangeError(`messages are nested deeper than ${mostForks + 1} levels`);
    if (this.at + 1 > this.slab.length) this.#grow(1);
    // One byte for the length: most nested messages are shorter than 128 bytes. `join` moves longer ones.
    this.#forks.push(++this.at - this.start);
    return this;
  }

  override join(): this {
    const fork = this.#forks.pop();
    if (fork === undefined) throw new Error("join without a fork before it");
    const begin = this.start + fork;
    const length = this.at - begin;
    if (length < 0x80) {
      this.slab[begin - 1] = length;
      return this;
    }
    const extra = varintSize(length) - 1;
    if (this.at + extra > this.slab.length) return this.#joinGrown(fork, length, extra);
    this.slab.copyWithin(begin + extra, begin, this.at);
    this.at = begin - 1;
    this.#varint(length);
    this.at += length;
    return this;
  }

  override tag(fieldNo: number, wireType: number): this {
    return this.uint32(((fieldNo << 3) | wireType) >>> 0);
  }

  override raw(chunk: Uint8Array): this {
    const { length } = chunk;
    if (this.at + length > this.slab.length) this.#grow(length);
    this.slab.set(chunk, this.at);
    this.at += length;
    return this;
  }

  override uint32(value: number): this {
    if (typeof value !== "number" || value >>> 0 !== value) value = toUnsigned("uint32", value);
    if (this.at + 5 > this.slab.length) this.#grow(5);
    if (value < 0x80) this.slab[this.at++] = value;
    else this.#varint(value);
    return this;
  }

  override int32(value: number): this {
    if (typeof value !== "number" || (value | 0) !== value) value = toSigned("int32", value);
    if (this.at + 10 > this.slab.length) this.#grow(10);
    if (value >= 0) this.#varint(value);
    else this.#varint64(value, -1);
    return this;
  }

  override sint32(value: number): this {
    if (typeof value !== "number" || (value | 0) !== value) value = toSigned("sint32", value);
    if (this.at + 5 > this.slab.length) this.#grow(5);
    this.#varint(((value << 1) ^ (value >> 31)) >>> 0);
    return this;
  }

  override bool(value: boolean): this {
    if (typeof value !== "boolean") throw wrong("bool", value);
    if (this.at + 1 > this.slab.length) this.#grow(1);
    this.slab[this.at++] = value ? 1 : 0;
    return this;
  }

  override bytes(value: Uint8Array): this {
    if (!(value instanceof Uint8Array) && !isUint8Array(value)) throw wrong("bytes", value);
    const { length } = value;
    if (this.at + 5 + length > this.slab.length) this.#grow(5 + length);
    this.#varint(length);
    this.slab.set(value, this.at);
    this.at += length;
    return this;
  }

  override string(value: string): this {
    if (typeof value !== "string") throw wrong("string", value);
    const { length } = value;
    if (length > longLength) return this.#longText(value);
    // A UTF-16 unit is three bytes at most.
    if (this.at + 5 + length * 3 > this.slab.length) this.#grow(5 + length * 3);
    const { slab } = this;
    let at = this.at + 1;
    if (length <= loopLength) {
      for (let i = 0; i < length; i++) {
        const unit = value.charCodeAt(i);
        if (unit > 0x7f) return this.#text(value);
        slab[at++] = unit;
      }
      slab[this.at] = length;
      this.at = at;
      return this;
    }
    return this.#text(value);
  }

  override float(value: number): this {
    if (typeof value !== "number") throw wrong("float", value);
    if (Number.isFinite(value) && !Number.isFinite(Math.fround(value))) throw wrong("float", value);
    scratch.setFloat32(0, value, true);
    return this.#fixed(4);
  }

  override double(value: number): this {
    if (typeof value !== "number") throw wrong("double", value);
    scratch.setFloat64(0, value, true);
    return this.#fixed(8);
  }

  override fixed32(value: number): this {
    if (typeof value !== "number" || value >>> 0 !== value) value = toUnsigned("fixed32", value);
    scratch.setUint32(0, value, true);
    return this.#fixed(4);
  }

  override sfixed32(value: number): this {
    if (typeof value !== "number" || (value | 0) !== value) value = toSigned("sfixed32", value);
    scratch.setInt32(0, value, true);
    return this.#fixed(4);
  }

  override fixed64(value: string | number | bigint): this {
    putUnsigned("fixed64", value);
    return this.#fixed(8);
  }

  override sfixed64(value: string | number | bigint): this {
    putSigned("sfixed64", value);
    return this.#fixed(8);
  }

  override uint64(value: string | number | bigint): this {
    putUnsigned("uint64", value);
    return this.#scratchVarint();
  }

  override int64(value: string | number | bigint): this {
    putSigned("int64", value);
    return this.#scratchVarint();
  }

  override sint64(value: string | number | bigint): this {
    putSigned("sint64", value);
    const lo = scratch.getInt32(0, true);
    const hi = scratch.getInt32(4, true);
    const sign = hi >> 31;
    if (this.at + 10 > this.slab.length) this.#grow(10);
    this.#varint64((lo << 1) ^ sign, ((hi << 1) | (lo >>> 31)) ^ sign);
    return this;
  }

  /** Writes a varint of an unsigned 32-bit number; the room for it is there. */
  #varint(value: number): void {
    const { slab } = this;
    let at = this.at;
    while (value > 0x7f) {
      slab[at++] = (value & 0x7f) | 0x80;
      value >>>= 7;
    }
    slab[at++] = value;
    this.at = at;
  }

  #varint64(lo: number, hi: number): void {
    const { slab } = this;
    let at = this.at;
    while (hi !== 0 || lo >>> 0 > 0x7f) {
      slab[at++] = (lo & 0x7f) | 0x80;
      lo = (lo >>> 7) | (hi << 25);
      hi >>>= 7;
    }
    slab[at++] = lo;
    this.at = at;
  }

  #scratchVarint(): this {
    if (this.at + 10 > this.slab.length) this.#grow(10);
    this.#varint64(scratch.getInt32(0, true), scratch.getInt32(4, true));
    return this;
  }

  #fixed(length: 4 | 8): this {
    if (this.at + length > this.slab.length) this.#grow(length);
    const { slab } = this;
    let at = this.at;
    for (let i = 0; i < length; i++) slab[at++] = scratchBytes[i] as number;
    this.at = at;
    return this;
  }

  /** Writes text by a call into native code; the room for it is there. */
  #text(value: string): this {
    // The length's own size is guessed as if all were ASCII, and the text moved where that was wrong.
    const guess = varintSize(value.length);
    const begin = this.at + guess;
    const length = this.slab.write(value, begin, "utf8");
    const size = varintSize(length);
    if (size !== guess) this.slab.copyWithin(this.at + size, begin, begin + length);
    this.#varint(length);
    this.at += length;
    return this;
  }

  /** Counts first, so as not to make room for three times the text. */
  #longText(value: string): this {
    const length = Buffer.byteLength(value);
    if (this.at + 5 + length > this.slab.length) this.#grow(5 + length);
    this.#varint(length);
    this.at += this.slab.write(value, this.at, "utf8");
    return this;
  }

  #joinGrown(fork: number, length: number, extra: number): this {
    this.#grow(extra);
    this.at = this.start + fork + length;
    this.#forks.push(fork);
    return this.join();
  }

  /** Moves the message, with the room in front of it, to a slab with at least `bytes` free behind it. */
  #grow(bytes: number): void {
    const used = this.at - this.start;
    // Doubled, so that a message of many small fields moves seldom; but a field that is most of its message is room enough.
    const spare = bytes > used ? spareBytes : used + bytes;
    const slab = this.#allocate(used + bytes + spare);
    slab.set(this.slab.subarray(this.start, this.at));
    this.slab = slab;
    this.start = 0;
    this.at = used;
  }
}

function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}
