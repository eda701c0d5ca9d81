import { ErrorCode, Flag, FRAME_HEADER_BYTES, FrameType, writeFrameHeader, writeUint32 } from "./frame.ts";
import type { Outbox } from "./outbox.ts";
import type { PeerSettings } from "./settings.ts";

/** What a peer that does not read may make us keep of answers: so much in any case, and beyond it what memory there is. */
const FREE_BACKLOG_BYTES = 512 * 1024;
const MOST_BACKLOG_BYTES = FREE_BACKLOG_BYTES + 8 * 1024 * 1024;
/** Of heads, statuses and control frames so much may wait until what the peer sends is read no further. */
const UNREAD_BYTES = 256 * 1024;
const NOTHING = Buffer.allocUnsafeSlow(0);

/** Writes every frame but DATA. */
export class FrameWriter {
  /** True once nothing more is written. */
  muted = false;
  readonly #outbox: Outbox;
  readonly #peer: PeerSettings;
  readonly #refuses: boolean;
  /** Bytes that were written since the socket had last taken everything. */
  #written = 0;
  /** Where the head of a request stands that was written last. */
  #headSlab: Buffer = NOTHING;
  #headAt = 0;
  #headEnd = 0;
  #headClosings = 0;
  readonly #notRead: () => void;

  /**
   * @param refuses whether heads are refused, too, where there is no memory for what the peer does not read
   * @param notRead called when the peer has left too much unread
   */
  constructor(outbox: Outbox, peer: PeerSettings, refuses: boolean, notRead: () => void) {
    this.#outbox = outbox;
    this.#peer = peer;
    this.#refuses = refuses;
    this.#notRead = notRead;
  }

  /** Bytes that are no frame: the preface. */
  raw(bytes: Buffer): void {
    const at = this.#outbox.reserve(bytes.length);
    bytes.copy(this.#outbox.slab, at);
    this.#outbox.commit(at + bytes.length);
  }

  frame(type: number, flags: number, id: number, payload: Buffer): void {
    if (this.muted) return;
    const outbox = this.#outbox;
    if (outbox.backlog > FREE_BACKLOG_BYTES && (outbox.overdrawn || outbox.backlog > MOST_BACKLOG_BYTES)) {
      this.#notRead();
      return;
    }
    this.#written += FRAME_HEADER_BYTES + payload.length;
    const at = outbox.reserve(FRAME_HEADER_BYTES + payload.length);
    writeFrameHeader(outbox.slab, at, payload.length, type, flags, id);
    payload.copy(outbox.slab, at + FRAME_HEADER_BYTES);
    outbox.commit(at + FRAME_HEADER_BYTES + payload.length);
  }

  /** The socket has taken everything. */
  drained(): void {
    this.#written = 0;
  }

  /** True while the peer does not read its answers: those to more of its frames could only wait too. */
  get unread(): boolean {
    const { overdrawn, busy } = this.#outbox;
    return overdrawn || (busy && this.#written > UNREAD_BYTES);
  }

  /** A header block, with CONTINUATION frames where the peer's frames do not hold it. */
  block(id: number, block: Buffer, length: number, ended: boolean): void {
    if (this.muted) return;
    if (length > this.#peer.maxFrameBytes) {
      this.#longBlock(id, block, length, ended);
      return;
    }
    const outbox = this.#outbox;
    if (outbox.backlog > FREE_BACKLOG_BYTES && outbox.overdrawn && this.#refuses) {
      this.#notRead();
      return;
    }
    this.#written += FRAME_HEADER_BYTES + length;
    const at = outbox.reserve(FRAME_HEADER_BYTES + length);
    const flags = ended ? Flag.END_HEADERS | Flag.END_STREAM : Flag.END_HEADERS;
    writeHead(outbox.slab, at, id, block, length, flags);
    outbox.commit(at + FRAME_HEADER_BYTES + length);
  }

  /**
   * The head of a request, which is taken back where nothing can follow it.
   * @param room bytes that are written next, so that they stand behind it
   */
  head(id: number, block: Buffer, length: number, room: number): void {
    const outbox = this.#outbox;
    const bytes = FRAME_HEADER_BYTES + length;
    this.#headSlab = NOTHING;
    if (this.muted || length > this.#peer.maxFrameBytes) {
      this.block(id, block, length, false);
      return;
    }
    const at = outbox.reserve(bytes + room);
    writeHead(outbox.slab, at, id, block, length, Flag.END_HEADERS);
    outbox.commitHead(at + bytes);
    this.#headSlab = outbox.slab;
    this.#headAt = at;
    this.#headEnd = at + bytes;
    this.#headClosings = outbox.closings;
  }

  /** Takes back the head that was written last, where it is the last frame and has not left. False where it cannot. */
  takeBackHead(): boolean {
    return this.#outbox.rewind(this.#headSlab, this.#headAt, this.#headEnd, this.#headClosings);
  }

  #longBlock(id: number, block: Buffer, length: number, ended: boolean): void {
    const most = this.#peer.maxFrameBytes;
    this.frame(FrameType.HEADERS, ended ? Flag.END_STREAM : 0, id, block.subarray(0, most));
    for (let at = most; at < length; at += most) {
      const end = Math.min(length, at + most);
      this.frame(FrameType.CONTINUATION, end === length ? Flag.END_HEADERS : 0, id, block.subarray(at, end));
    }
  }

  /** An empty DATA frame that ends its stream. */
  end(id: number): void {
    this.frame(FrameType.DATA, Flag.END_STREAM, id, NOTHING);
  }

  settings(payload: Buffer): void {
    this.frame(FrameType.SETTINGS, 0, 0, payload);
  }

  settingsRead(): void {
    this.frame(FrameType.SETTINGS, Flag.ACK, 0, NOTHING);
  }

  reset(id: number, code: number): void {
    this.frame(FrameType.RST_STREAM, 0, id, uint32(code));
  }

  windowUpdate(id: number, bytes: number): void {
    this.frame(FrameType.WINDOW_UPDATE, 0, id, uint32(bytes));
  }

  ping(payload: Buffer): void {
    this.frame(FrameType.PING, 0, 0, payload);
  }

  pong(payload: Buffer): void {
    this.frame(FrameType.PING, Flag.ACK, 0, payload);
  }

  goAway(lastId: number, code: number, reason: string): void {
    const text = code === ErrorCode.NO_ERROR ? NOTHING : Buffer.from(reason.slice(0, 200), "latin1");
    this.frame(FrameType.GOAWAY, 0, 0, Buffer.concat([uint32(lastId), uint32(code), text]));
  }
}

function writeHead(slab: Buffer, at: number, id: number, block: Buffer, length: number, flags: number): void {
  writeFrameHeader(slab, at, length, FrameType.HEADERS, flags, id);
  const to = at + FRAME_HEADER_BYTES;
  // A call into native code costs more than a few bytes do.
  if (length <= 32) for (let i = 0; i < length; i++) slab[to + i] = block[i] as number;
  else block.copy(slab, to, 0, length);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  writeUint32(bytes, 0, value);
  return bytes;
}
