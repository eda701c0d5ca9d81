import { ConnectionError } from "./connection-error.ts";
import { ErrorCode } from "./frame.ts";

/** Frames that a header block may take; one is the rule. */
const MOST_FRAMES = 64;

/** A header block that comes in several frames: nothing else may come between them. RFC 9113, section 6.10. */
export class HeaderBlocks {
  /** True where the stream ends with the block. */
  ended = false;
  readonly #mostBytes: number;
  #id = 0;
  #bytes = 0;
  #pieces: Buffer[] = [];

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get underWay(): boolean {
    return this.#id !== 0;
  }

  /** @throws ConnectionError where a block has begun and is not whole */
  mustBeIdle(): void {
    if (this.#id === 0) return;
    throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `the header block of stream ${this.#id} is interrupted`);
  }

  begin(id: number, bytes: Buffer, start: number, end: number, ended: boolean): void {
    this.#id = id;
    this.ended = ended;
    this.#keep(bytes, start, end);
  }

  append(id: number, bytes: Buffer, start: number, end: number): void {
    if (id === 0 || id !== this.#id) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `CONTINUATION on stream ${id}, where no block has begun`);
    }
    this.#keep(bytes, start, end);
  }

  /** The whole block. */
  end(): Buffer {
    const block = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    this.#id = 0;
    return block;
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    this.#bytes += end - start;
    if (this.#bytes > this.#mostBytes || this.#pieces.length >= MOST_FRAMES) {
      throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "a header block is too long");
    }
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)));
  }
}
