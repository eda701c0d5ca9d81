import type { Socket } from "node:net";
import type { MemoryAccount } from "../memory-account.ts";
import { giveBack, SLAB_BYTES, SMALL_SLAB_BYTES, takeSlab } from "./slabs.ts";

const NONE = Buffer.allocUnsafeSlow(0);
/**
 * Once there are so many bytes, or frames, they leave before the turn is over: the peer works on them while we go on,
 * where else each would wait for the other's whole turn. Fewer, and the writes cost more than that saves.
 */
const PROMPT_BYTES = 64 * 1024;
const PROMPT_FRAMES = 64;
/** While so many bytes wait for the socket, or have left in this turn, no more messages are framed. */
const CROWDED_BYTES = 256 * 1024;
/** Memory that a peer which does not read may keep in use uncharged; beyond it, it is charged in pieces. */
const FREE_BYTES = 16 * 1024;
const CHARGED_BYTES = 64 * 1024;

/**
 * What a connection sends. Frames are written into a slab one behind the other, and the frames of a turn of the event
 * loop leave in one write to the socket, or in a few where they are many. Where the socket took everything at once, the
 * slab is free again. Else what the frames stand in is charged to the peer until the socket has taken it.
 *
 * To write: `const at = outbox.reserve(n)`, fill `outbox.slab` from `at`, then `outbox.commit(at + n)`.
 */
export class Outbox {
  slab: Buffer = NONE;
  /** Counts what closes the frames that stand in `slab`: they have been sent, or something stands behind them. */
  closings = 0;
  /** True where the socket has not taken what was written, and there is no memory for what is kept of it. */
  overdrawn = false;
  /** The memory that is in use since the socket had last taken everything, in bytes. */
  kept = 0;
  readonly #socket: Socket;
  readonly #memory: MemoryAccount;
  /** Called when the socket has taken everything, for what waited for room. */
  readonly #drained: () => void;
  /** What stands before the current slab's part and has not left yet. */
  #sealed: Buffer[] = [];
  #sealedBytes = 0;
  /** Slabs that nothing more is written to, of which something waits for the next write. */
  #retired: Buffer[] = [];
  /** Those whose last bytes are with the socket: they are free once it has taken them. */
  #leaving: Buffer[] = [];
  /** The part of the current slab that has not left yet. */
  #from = 0;
  #at = 0;
  /** Frames since the last write. */
  #frames = 0;
  /** Bytes that have left in this turn before its end. */
  #leftEarly = 0;
  /** Whether more has been written since the last write to the socket than a small slab holds, and before it. */
  #outgrown = false;
  #writesMuch = false;
  #busy = false;
  #scheduled = false;
  #closed = false;
  /** True while somebody writes behind the last frame who does not know yet how much. */
  #lent = false;
  #charged = 0;

  constructor(socket: Socket, memory: MemoryAccount, drained: () => void) {
    this.#socket = socket;
    this.#memory = memory;
    this.#drained = drained;
  }

  /** True while the socket has not taken the last write wholly. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Bytes that wait for the next write. */
  get backlog(): number {
    return this.#sealedBytes + this.#at - this.#from;
  }

  /** True while messages should wait for the socket to take what is there. */
  get crowded(): boolean {
    return this.backlog + this.#leftEarly >= CROWDED_BYTES || this.overdrawn;
  }

  /**
   * The same as `reserve`, to one who runs code that is not ours while writing. Whatever that code sends stands
   * somewhere else, and before what is written here.
   */
  lend(count: number): number {
    const at = this.reserve(count);
    this.#lent = true;
    return at;
  }

  /** Ends `lend`. False where something was sent meanwhile: what was written must be sent anew, and is still there. */
  takeBack(): boolean {
    const undisturbed = this.#lent;
    this.#lent = false;
    return undisturbed;
  }

  /** Leaves the slab to whom it is lent, for good. */
  #abandon(): void {
    this.#lent = false;
    if (this.#at > this.#from) this.#push(this.slab.subarray(this.#from, this.#at));
    this.slab = NONE;
    this.#from = 0;
    this.#at = 0;
  }

  /** Makes room for `count` bytes in `slab` and returns where they go. */
  reserve(count: number): number {
    if (this.#lent) this.#abandon();
    if (this.#at + count > this.slab.length) {
      if (this.slab !== NONE) this.#outgrown = true;
      this.#seal();
      const isSmall = !this.#outgrown && !this.#writesMuch && count <= SMALL_SLAB_BYTES;
      this.slab = count > SLAB_BYTES ? Buffer.allocUnsafeSlow(count) : takeSlab(isSmall);
      this.#keep(this.slab.length);
    }
    return this.#at;
  }

  /** A frame that was written ends here; it leaves at the end of the turn at the latest. */
  commit(end: number): void {
    this.#frames++;
    this.extend(end);
  }

  /** The same for a head whose message comes next: they leave together, or `rewind` takes the head back. */
  commitHead(end: number): void {
    this.#frames++;
    this.#at = end;
    this.#schedule();
  }

  /**
   * Takes back what was written to `slab` from `start` to `end`, while it is the last and nothing of it has left, for
   * which `closings` must be what it was. False where that cannot be, and while somebody writes behind it: the slab must
   * not become another's meanwhile.
   */
  rewind(slab: Buffer, start: number, end: number, closings: number): boolean {
    if (this.#lent || this.#closed) return false;
    if (slab !== this.slab || this.#at !== end || this.closings !== closings) return false;
    this.#at = start;
    this.#frames--;
    if (!this.#busy && this.backlog === 0) this.#release();
    return true;
  }

  /** The frame that was committed last has become longer. */
  extend(end: number): void {
    this.#at = end;
    this.#schedule();
    this.#leavePromptly();
  }

  /** Sends bytes by reference, which must not change any more. */
  attach(bytes: Buffer): void {
    this.closings++;
    if (this.#at > this.#from) {
      this.#push(this.slab.subarray(this.#from, this.#at));
      this.#from = this.#at;
    }
    this.#push(bytes);
    this.#keep(bytes.length);
    this.#schedule();
    this.#leavePromptly();
  }

  /** This memory was written for what is attached of it alone: it is free once that has left. */
  retire(bytes: Buffer): void {
    this.#outgrown = true;
    if (this.#busy || this.backlog > 0) this.#retired.push(bytes);
    else giveBack(bytes);
  }

  /** Writes what is there to the socket, unless it is still at the last write. */
  flush(): void {
    if (this.#busy || this.#closed || this.backlog === 0) return;
    this.#write();
    if (this.#socket.writableLength === 0) this.#release();
    else this.#charge();
  }

  #keep(bytes: number): void {
    this.kept += bytes;
    if (this.#busy) this.#charge();
  }

  /** What of it is kept for the peer's sake is charged; what leaves at once is not. */
  #charge(): void {
    this.overdrawn = false;
    while (this.kept - FREE_BYTES > this.#charged) {
      if (!this.#memory.keepUnsent(CHARGED_BYTES)) {
        this.overdrawn = true;
        return;
      }
      this.#charged += CHARGED_BYTES;
    }
  }

  #freeCharged(): void {
    if (this.#charged > 0) {
      this.#memory.taken(this.#charged);
      this.#memory.freeUnsent(this.#charged);
    }
    this.#charged = 0;
    this.overdrawn = false;
  }

  /** Writes what is there, and nothing after it. */
  end(): void {
    if (!this.#closed && this.backlog > 0) this.#write();
    this.close();
  }

  #write(): void {
    const rest = this.#at > this.#from ? this.slab.subarray(this.#from, this.#at) : undefined;
    this.#from = this.#at;
    this.closings++;
    this.#frames = 0;
    if (this.#retired.length > 0) {
      this.#leaving.push(...this.#retired);
      this.#retired.length = 0;
    }
    this.#busy = true;
    if (this.#sealed.length === 0) this.#socket.write(rest as Buffer, this.#written);
    else this.#writeAll(rest);
  }

  /** Nothing is sent any more. */
  close(): void {
    this.#closed = true;
    this.#freeCharged();
    this.#sealed = [];
    this.#sealedBytes = 0;
    this.#retired = [];
    this.#leaving = [];
    this.slab = NONE;
    this.#from = 0;
    this.#at = 0;
  }

  #writeAll(rest: Buffer | undefined): void {
    const chunks = this.#sealed;
    this.#sealed = [];
    this.#sealedBytes = 0;
    if (rest !== undefined) chunks.push(rest);
    const last = chunks.length - 1;
    this.#socket.cork();
    for (let i = 0; i < last; i++) this.#socket.write(chunks[i] as Buffer);
    this.#socket.write(chunks[last] as Buffer, this.#written);
    this.#socket.uncork();
  }

  // The callback of a write that was done at once comes late, when the next may be under way: only the length tells.
  readonly #written = (): void => {
    if (this.#closed || this.#socket.writableLength > 0) return;
    if (this.#busy) this.#release();
    if (this.backlog > 0) this.flush();
    else this.#drained();
  };

  /** The socket holds nothing of ours any more. */
  #release(): void {
    this.#busy = false;
    giveBackAll(this.#leaving);
    if (this.#charged > 0 || this.overdrawn) this.#freeCharged();
    if (this.backlog > 0) {
      this.kept = this.slab.length + this.#sealedBytes;
      return;
    }
    this.kept = 0;
    giveBackAll(this.#retired);
    this.#writesMuch = this.#outgrown || this.#at > SMALL_SLAB_BYTES;
    this.#outgrown = false;
    this.#from = 0;
    this.#at = 0;
    giveBack(this.slab);
    this.slab = NONE;
  }

  #seal(): void {
    if (this.#at > this.#from) this.#push(this.slab.subarray(this.#from, this.#at));
    if (this.slab !== NONE) this.#retired.push(this.slab);
    this.#from = 0;
    this.#at = 0;
  }

  #push(bytes: Buffer): void {
    this.#sealed.push(bytes);
    this.#sealedBytes += bytes.length;
  }

  #schedule(): void {
    if (this.#scheduled || this.#busy) return;
    this.#scheduled = true;
    process.nextTick(this.#tick);
  }

  #leavePromptly(): void {
    if (this.#busy || (this.#frames < PROMPT_FRAMES && this.backlog < PROMPT_BYTES)) return;
    this.#leftEarly += this.backlog;
    this.flush();
  }

  readonly #tick = (): void => {
    this.#scheduled = false;
    this.#leftEarly = 0;
    this.flush();
  };
}

function giveBackAll(slabs: Buffer[]): void {
  if (slabs.length === 0) return;
  for (const slab of slabs) giveBack(slab);
  slabs.length = 0;
}
