import type { MessageType } from "../../core/message.ts";
import { copyBytes } from "./copies.ts";
import { BIGINT_BYTES, heapAllowed, MESSAGE_BYTES, SHORT_BYTES_BYTES } from "./heap.ts";
import { readingOf } from "./reads-with.ts";
import { scratch, scratchBytes } from "./scratch.ts";
import { readUtf8 } from "./utf8.ts";
import { ReaderBase } from "./wire-base.ts";

/** Nested messages and groups, as in every protobuf implementation. */
const maxDepth = 100;
const longestVarint = 10;
const nothing = new Uint8Array(0);

/** The bytes are no message of their type, or nested deeper than 100 levels. */
export class MalformedMessage extends Error {}
Object.defineProperty(MalformedMessage.prototype, "name", { value: "MalformedMessage", configurable: true });

/** The message would take many times its bytes once it is decoded. */
export class CrowdedMessage extends MalformedMessage {}
Object.defineProperty(CrowdedMessage.prototype, "name", { value: "CrowdedMessage", configurable: true });

/** A reader at a message to try a codec with. */
function probe(bytes: Uint8Array): FastReader {
  const reader = new FastReader();
  reader.begin(bytes, 0, bytes.length);
  return reader;
}

/**
 * A `BinaryReader` for messages that stand somewhere in a larger buffer. One reader serves any number of messages, one
 * at a time. What it returns never refers to the buffer, which may be overwritten as soon as `read` has returned.
 *
 * It refuses, with `MalformedMessage`, what protobuf does not allow and generated code would let pass: invalid UTF-8,
 * field number 0, an end of a group that never began, a varint of more than ten bytes or a tag of more than five, a
 * nested message whose fields run beyond its length.
 */
export class FastReader extends ReaderBase {
  pos = 0;
  len = 0;
  #bytes: Uint8Array = nothing;
  /** The same bytes as a plain Uint8Array, made when a field is first copied out of them. */
  #view: Uint8Array = nothing;
  #viewed: Uint8Array = nothing;
  /** How deep the message that is being read is nested: 1 for the outermost. */
  #depth = 0;
  /** Where the message of each depth begins and ends. */
  readonly #starts: number[] = new Array(maxDepth + 1).fill(0);
  readonly #ends: number[] = new Array(maxDepth + 1).fill(0);
  /** What `uint32` returned last: a tag, the length of a nested message, or a value. */
  #last = 1;
  /** True where a message must be looked at again, since a varint in it was too wide for a tag. */
  #suspect: boolean = false;
  #failure: MalformedMessage | undefined;
  #owned: boolean = false;
  /**
   * What the message takes that begins next, in bytes of the heap. Code that `protoc-gen-trunkline` generates says it of
   * its messages of many fields.
   */
  $heapBytes: number = MESSAGE_BYTES;
  /** What the messages, values of bytes and bigints may take that are still to come. */
  #heapLeft = 0;
  #heapAllowed = 0;
  /** The type that was read last with this reader itself, and whether its codec keeps fields that it does not know. */
  #type: object | undefined;
  #keepsUnknown: boolean = false;
  /** The tags of the groups that are open while they are skipped. */
  readonly #groups: number[] = new Array(maxDepth).fill(0);

  /**
   * Decodes the message that stands in `bytes` from `start` to `end`. A type whose codec is not ts-proto's, or is bound
   * to another copy of `@bufbuild/protobuf`, is handed a copy of the bytes.
   * @param owned true where nothing will overwrite the bytes: then a `bytes` field that is most of its message is a
   * part of them, and no copy. Small fields are copied all the same, so as not to keep a large message in memory.
   * @throws MalformedMessage, `CrowdedMessage` among them, or what such a foreign codec throws
   */
  read<T>(type: MessageType<T>, bytes: Uint8Array, start: number, end: number, owned = false): T {
    this.begin(bytes, start, end);
    this.#owned = owned;
    if (type !== this.#type) {
      const { takesReader, keepsUnknown } = readingOf(type, probe);
      if (!takesReader) return type.decode(this.#copy(start, end));
      this.#type = type;
      this.#keepsUnknown = keepsUnknown;
    }
    try {
      return type.decode(this as never);
    } catch (error) {
      throw this.#failure ?? error;
    } finally {
      // Large bytes must not stay in memory until the next message comes.
      if (owned) this.#forget();
    }
  }

  /** Begins at a message by hand; `read` is the usual way. */
  begin(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.pos = start;
    this.len = end;
    this.#depth = 0;
    this.#suspect = false;
    this.#failure = undefined;
    this.#owned = false;
    this.$heapBytes = MESSAGE_BYTES;
    this.#heapAllowed = heapAllowed(end - start);
    this.#heapLeft = this.#heapAllowed;
  }

  /** What has been counted of the message that was read last, in bytes of the heap; 0 of a foreign codec's. */
  get heapBytes(): number {
    return this.#heapAllowed - this.#heapLeft;
  }

  /**
   * How deep the message under way is nested. Code that ts-proto generates keeps count of it on the reader: it adds one
   * where a message begins, right behind its length, and puts the count back where the message ends. That is how the
   * reader knows where messages begin and end.
   */
  get __tsProtoDecodeDepth(): number {
    if (this.#depth >= maxDepth) throw this.#fail(`messages are nested deeper than ${maxDepth} levels`);
    return this.#depth;
  }

  set __tsProtoDecodeDepth(depth: number) {
    if (depth > this.#depth) this.#enter(depth);
    else this.#leave(depth);
  }

  /**
   * The length of the group that is read next, which no length stands before. To find it, its bytes were gone through,
   * once for each group around it: that is paid for as heap is, or groups in groups would cost many times their bytes.
   */
  set $groupBytes(length: number) {
    this.#take(length);
    this.#last = length;
  }

  #enter(depth: number): void {
    this.#take(this.$heapBytes);
    this.$heapBytes = MESSAGE_BYTES;
    const end = depth === 1 ? this.len : this.pos + this.#last;
    if (depth > 1 && end > (this.#ends[depth - 1] as number))
      throw this.#fail("a nested message ends behind its parent");
    this.#depth = depth;
    this.#starts[depth] = this.pos;
    this.#ends[depth] = end;
    this.#last = 1;
  }

  #leave(depth: number): void {
    const ended = this.#depth;
    this.#depth = depth;
    if (this.#failure !== undefined) return;
    const last = this.#last;
    this.#last = 1;
    if (this.pos !== this.#ends[ended]) throw this.#fail("the fields of a message do not end where it ends");
    // Generated code stops in silence at a tag that is 0 or ends a group. Such a last value may have been a tag.
    if ((last & 7) === 4 || last === 0 || this.#suspect) this.#inspect(this.#starts[ended] as number);
  }

  /** Goes through the fields of the message that ends here, as a check that all its tags are tags. */
  #inspect(start: number): void {
    const end = this.pos;
    this.pos = start;
    this.#suspect = false;
    while (this.pos < end) {
      const tag = this.uint32();
      if (this.#suspect) throw this.#fail("a tag is longer than five bytes");
      this.#skipField(tag);
      this.#suspect = false;
    }
    this.#last = 1;
  }

  tag(): [number, number] {
    const tag = this.uint32();
    if (tag >>> 3 === 0 || this.#suspect) throw this.#fail("a tag is not valid");
    return [tag >>> 3, tag & 7];
  }

  /** Goes past a field of an unknown kind. Returns a copy of its bytes where the codec keeps such fields, else nothing. */
  skip(wireType: number, fieldNo: number = this.#last >>> 3): Uint8Array {
    const start = this.pos;
    this.#skipField((fieldNo << 3) | wireType);
    return this.#keepsUnknown ? this.#copy(start, this.pos) : nothing;
  }

  #skipField(tag: number): void {
    if (tag >>> 3 === 0) throw this.#fail("a field has the number 0");
    switch (tag & 7) {
      case 0:
        this.#pastVarint();
        break;
      case 1:
        this.#past(8);
        break;
      case 2:
        this.#past(this.#length());
        break;
      case 3:
        this.#skipGroup(tag);
        break;
      case 5:
        this.#past(4);
        break;
      default:
        throw this.#fail(`a field has the wire type ${tag & 7}, which cannot stand there`);
    }
  }

  #skipGroup(tag: number): void {
    const most = maxDepth - this.#depth;
    const open = this.#groups;
    let depth = 0;
    for (let next = tag; ; next = this.#innerTag()) {
      const end = depth > 0 && next === (open[depth - 1] as number) + 1;
      if (end) depth--;
      else if ((next & 7) !== 3) this.#skipField(next);
      else if (next >>> 3 === 0) throw this.#fail("a field has the number 0");
      else if (depth >= most) throw this.#fail(`groups are nested deeper than ${maxDepth} levels`);
      else open[depth++] = next;
      if (depth === 0) return;
    }
  }

  /** A tag within a group, where no generated code would notice that it is none. */
  #innerTag(): number {
    const before = this.#suspect;
    this.#suspect = false;
    const tag = this.uint32();
    if (this.#suspect) throw this.#fail("a tag is longer than five bytes");
    this.#suspect = before;
    return tag;
  }

  uint32(): number {
    const byte = this.#bytes[this.pos] as number;
    if (byte < 0x80 && this.pos < this.len) {
      this.pos++;
      this.#last = byte;
      return byte;
    }
    const begin = this.pos;
    const value = this.#varint() >>> 0;
    const size = this.pos - begin;
    if (size > 5 || (size === 5 && (this.#bytes[this.pos - 1] as number) > 0x0f)) this.#suspect = true;
    this.#last = value;
    return value;
  }

  int32(): number {
    return this.#varint();
  }

  sint32(): number {
    const value = this.#varint();
    return (value >>> 1) ^ -(value & 1);
  }

  bool(): boolean {
    this.#varint64();
    return scratch.getInt32(0) !== 0 || scratch.getInt32(4) !== 0;
  }

  int64(): bigint {
    this.#take(BIGINT_BYTES);
    this.#varint64();
    return scratch.getBigInt64(0, true);
  }

  uint64(): bigint {
    this.#take(BIGINT_BYTES);
    this.#varint64();
    return scratch.getBigUint64(0, true);
  }

  sint64(): bigint {
    this.#take(BIGINT_BYTES);
    this.#varint64();
    const lo = scratch.getInt32(0, true);
    const hi = scratch.getInt32(4, true);
    const sign = -(lo & 1);
    scratch.setInt32(0, ((lo >>> 1) | (hi << 31)) ^ sign, true);
    scratch.setInt32(4, (hi >>> 1) ^ sign, true);
    return scratch.getBigInt64(0, true);
  }

  fixed32(): number {
    this.#fixed(4);
    return scratch.getUint32(0, true);
  }

  sfixed32(): number {
    this.#fixed(4);
    return scratch.getInt32(0, true);
  }

  fixed64(): bigint {
    this.#fixed(8);
    return scratch.getBigUint64(0, true);
  }

  sfixed64(): bigint {
    this.#fixed(8);
    return scratch.getBigInt64(0, true);
  }

  float(): number {
    this.#fixed(4);
    return scratch.getFloat32(0, true);
  }

  double(): number {
    this.#fixed(8);
    return scratch.getFloat64(0, true);
  }

  bytes(): Uint8Array {
    this.#take(SHORT_BYTES_BYTES);
    const length = this.#length();
    const start = this.pos;
    this.#past(length);
    if (!this.#owned || length < this.#bytes.length >> 1) return this.#copy(start, start + length);
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, length);
  }

  string(): string {
    const length = this.#length();
    const start = this.pos;
    this.#past(length);
    const text = readUtf8(this.#bytes, start, this.pos);
    if (text === undefined) throw this.#fail("a string is not valid UTF-8");
    return text;
  }

  /** The length of a string or of bytes: as `uint32`, but never taken for a tag. */
  #length(): number {
    const byte = this.#bytes[this.pos] as number;
    if (byte < 0x80) {
      this.pos++;
      return byte;
    }
    return this.#varint() >>> 0;
  }

  /** The low 32 bits of a varint. */
  #varint(): number {
    const bytes = this.#bytes;
    let pos = this.pos;
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[pos++] as number;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.pos = pos;
        if (pos > this.len) break;
        return value;
      }
      if (pos >= this.len) break;
    }
    throw this.#fail(pos >= this.len ? "it is cut short" : "a varint is longer than ten bytes");
  }

  #pastVarint(): void {
    const bytes = this.#bytes;
    const most = this.pos + longestVarint;
    const end = most < this.len ? most : this.len;
    for (let pos = this.pos; pos < end; pos++) {
      if ((bytes[pos] as number) >= 0x80) continue;
      this.pos = pos + 1;
      return;
    }
    throw this.#fail(end === this.len ? "it is cut short" : "a varint is longer than ten bytes");
  }

  /** Leaves a varint's 64 bits in the scratch bytes. */
  #varint64(): void {
    const bytes = this.#bytes;
    let pos = this.pos;
    let lo = 0;
    let hi = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[pos++] as number;
      if (shift < 28) lo |= (byte & 0x7f) << shift;
      else if (shift === 28) {
        lo |= byte << 28;
        hi = (byte & 0x7f) >> 4;
      } else hi |= (byte & 0x7f) << (shift - 32);
      if (byte < 0x80) {
        if (pos > this.len) break;
        this.pos = pos;
        scratch.setInt32(0, lo, true);
        scratch.setInt32(4, hi, true);
        return;
      }
      if (pos >= this.len) break;
    }
    throw this.#fail(pos >= this.len ? "it is cut short" : "a varint is longer than ten bytes");
  }

  #fixed(length: 4 | 8): void {
    const start = this.pos;
    this.#past(length);
    for (let i = 0; i < length; i++) scratchBytes[i] = this.#bytes[start + i] as number;
  }

  #past(length: number): void {
    this.pos += length;
    if (this.pos > this.len) throw this.#fail("it is cut short");
  }

  #copy(start: number, end: number): Uint8Array {
    // A Buffer's own `slice` copies nothing, and its `subarray` is slow.
    if (this.#viewed !== this.#bytes) {
      const { buffer, byteOffset, length } = this.#bytes;
      this.#view = new Uint8Array(buffer, byteOffset, length);
      this.#viewed = this.#bytes;
    }
    return copyBytes(this.#view, start, end);
  }

  #forget(): void {
    this.#bytes = nothing;
    this.#view = nothing;
    this.#viewed = nothing;
  }

  /** Before it is made. */
  #take(heapBytes: number): void {
    this.#heapLeft -= heapBytes;
    if (this.#heapLeft < 0) throw this.#crowded();
  }

  #crowded(): MalformedMessage {
    const most = Math.floor(heapAllowed(this.len - (this.#starts[1] as number)) / 2 ** 20);
    const why = `it would take more than ${most} MiB once it is decoded: send it in several, or as a stream`;
    this.#failure ??= new CrowdedMessage(why);
    return this.#failure;
  }

  #fail(reason: string): MalformedMessage {
    this.#failure ??= new MalformedMessage(`the message is malformed: ${reason}`);
    return this.#failure;
  }
}
