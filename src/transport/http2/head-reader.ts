import type { MemoryAccount } from "../memory-account.ts";
import { ConnectionError } from "./connection-error.ts";
import { ErrorCode, Flag, MAX_31_BITS, readUint32 } from "./frame.ts";
import { HeaderCache } from "./header-cache.ts";
import { HpackDecoder } from "./hpack/decoder.ts";

const OWN_HEADER_TABLE_BYTES = 4096;
/** A block may be so many times larger than the limit of metadata, and as large as clients of ours send: its call fails. */
const BLOCK_TIMES = 4;
const LEAST_BLOCK_BYTES = 96 * 1024;
/** Longer lists of headers are not kept to be known again: a few bytes of a block can stand for all of them. */
const MOST_KEPT_BYTES = 4096;
/** Frames that a header block may take; one is the rule. */
const MOST_FRAMES = 64;

/** The largest header block that does not end the connection, for a limit of metadata. In bytes. */
export function mostBlockBytes(maxListBytes: number): number {
  return Math.max(LEAST_BLOCK_BYTES, BLOCK_TIMES * maxListBytes);
}

/** What header blocks mean to a side of a connection. */
export interface HeadMeaning<H> {
  /** What the fields of a block mean. Their list could be `spareBytes` longer; below 0 it is too long, and was cut off. */
  interpret(fields: string[], spareBytes: number): H;
  /** True where what a block means can be used again for a block of the same bytes. */
  keeps(head: H): boolean;
}

/**
 * Reads heads from HEADERS and CONTINUATION frames: nothing else may come between those of a block. RFC 9113, sections
 * 6.2 and 6.10.
 */
export class HeadReader<H> {
  /** True where the stream ends with the head that was read last. */
  ended = false;
  readonly #meaning: HeadMeaning<H>;
  readonly #memory: MemoryAccount;
  readonly #maxListBytes: number;
  readonly #decoder: HpackDecoder;
  readonly #known = new HeaderCache<H>();
  /** The block that is not whole: its stream, and what has come of it. */
  #id = 0;
  #bytes = 0;
  #pieces: Buffer[] = [];

  /**
   * @param maxListBytes the largest list of headers to accept, in octets as HTTP/2 counts them
   * @param memory what blocks that are not whole are charged to
   */
  constructor(meaning: HeadMeaning<H>, maxListBytes: number, memory: MemoryAccount) {
    this.#memory = memory;
    this.#meaning = meaning;
    this.#maxListBytes = maxListBytes;
    this.#decoder = new HpackDecoder(OWN_HEADER_TABLE_BYTES, maxListBytes);
  }

  /** True while a block has begun and is not whole. */
  get underWay(): boolean {
    return this.#id !== 0;
  }

  /** @throws ConnectionError where a block has begun and is not whole */
  mustBeIdle(): void {
    if (this.#id === 0) return;
    throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `the header block of stream ${this.#id} is interrupted`);
  }

  /**
   * Takes in the payload of HEADERS; returns the head where that is all of it.
   * @throws ConnectionError, CompressionError
   */
  headers(flags: number, id: number, bytes: Buffer, from: number, to: number): H | undefined {
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
    this.ended = (flags & Flag.END_STREAM) !== 0;
    if ((flags & Flag.END_HEADERS) !== 0) return this.#read(bytes, start, end);
    this.#id = id;
    this.#keep(bytes, start, end);
    return undefined;
  }

  /** The same for CONTINUATION. */
  continuation(flags: number, id: number, bytes: Buffer, start: number, end: number): H | undefined {
    if (id === 0 || id !== this.#id) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `CONTINUATION on stream ${id}, where no block has begun`);
    }
    this.#keep(bytes, start, end);
    if ((flags & Flag.END_HEADERS) === 0) return undefined;
    const block = Buffer.concat(this.#pieces);
    this.#memory.free(this.#bytes);
    this.#pieces = [];
    this.#bytes = 0;
    this.#id = 0;
    return this.#read(block, 0, block.length);
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    this.#bytes += end - start;
    this.#memory.hold(end - start);
    if (this.#bytes > mostBlockBytes(this.#maxListBytes) || this.#pieces.length >= MOST_FRAMES) {
      throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "a header block is too long");
    }
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)));
  }

  #read(bytes: Buffer, start: number, end: number): H {
    const decoder = this.#decoder;
    const { version } = decoder;
    const known = this.#known.find(bytes, start, end, version);
    if (known !== undefined) return known;
    const fields = decoder.decode(bytes, start, end);
    const head = this.#meaning.interpret(fields, this.#maxListBytes - decoder.listBytes);
    if (decoder.version === version && decoder.listBytes <= MOST_KEPT_BYTES && this.#meaning.keeps(head)) {
      this.#known.store(bytes, start, end, version, head);
    }
    return head;
  }
}

/** @throws ConnectionError for a stream that depends on itself. RFC 7540, section 5.3.1 */
export function checkDependency(id: number, bytes: Buffer, start: number): void {
  if ((readUint32(bytes, start) & MAX_31_BITS) !== id) return;
  throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `stream ${id} depends on itself`);
}
