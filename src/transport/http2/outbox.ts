import type { Socket } from "node:net";
import { giveSlab, SLAB_BYTES, takeSlab } from "./slabs.ts";

const NONE = Buffer.allocUnsafeSlow(0);
/** While so many bytes wait for the socket, no more messages are framed: they would only wait in larger pieces. */
const CROWDED_BYTES = 256 * 1024;

/**
 * What a connection sends. Frames are written into a slab one behind the other, and all frames of a turn of the event
 * loop leave in one write to the socket. Where the socket took everything at once, the slab is free again.
 *
 * To write: `const at = outbox.reserve(n)`, fill `outbox.slab` from `at`, then `outbox.commit(at + n)`.
 */
export class Outbox {
  slab: Buffer = NONE;
  readonly #socket: Socket;
  /** Called when the socket has taken everything, for what waited for room. */
  readonly #drained: () => void;
  /** What stands before the current slab's part and has not left yet. */
  #sealed: Buffer[] = [];
  #sealedBytes = 0;
  /** Slabs that are full; they are free once everything before has left. */
  #retired: Buffer[] = [];
  /** The part of the current slab that has not left yet. */
  #from = 0;
  #at = 0;
  #busy = false;
  #scheduled = false;
  #closed = false;

  constructor(socket: Socket, drained: () => void) {
    this.#socket = socket;
    this.#drained = drained;
  }

  /** Bytes that wait for the next write. */
  get backlog(): number {
    return this.#sealedBytes + this.#at - this.#from;
  }

  /** True while messages should wait for the socket to take what is there. */
  get crowded(): boolean {
    return this.backlog >= CROWDED_BYTES;
  }

  /** Makes room for `count` bytes in `slab` and returns where they go. */
  reserve(count: number): number {
    if (this.#at + count > this.slab.length) {
      this.#seal();
      this.slab = count > SLAB_BYTES ? Buffer.allocUnsafeSlow(count) : takeSlab();
    }
    return this.#at;
  }

  /** True where what stands at `at` in `slab` has not left yet. */
  holds(at: number): boolean {
    return at >= this.#from;
  }

  /** What was written ends here; it leaves at the end of the turn. */
  commit(end: number): void {
    this.#at = end;
    this.#schedule();
  }

  /** Sends bytes by reference, which must not change any more. */
  attach(bytes: Buffer): void {
    if (this.#at > this.#from) {
      this.#push(this.slab.subarray(this.#from, this.#at));
      this.#from = this.#at;
    }
    this.#push(bytes);
    this.#schedule();
  }

  /** Writes what is there to the socket, unless it is still at the last write. */
  flush(): void {
    if (this.#busy || this.#closed || this.backlog === 0) return;
    this.#write();
    if (this.#socket.writableLength === 0) this.#release();
  }

  /** Writes what is there, and nothing after it. */
  end(): void {
    if (!this.#closed && this.backlog > 0) this.#write();
    this.close();
  }

  #write(): void {
    const rest = this.#at > this.#from ? this.slab.subarray(this.#from, this.#at) : undefined;
    this.#from = this.#at;
    this.#busy = true;
    if (this.#sealed.length === 0) this.#socket.write(rest as Buffer, this.#written);
    else this.#writeAll(rest);
  }

  /** Nothing is sent any more. */
  close(): void {
    this.#closed = true;
    this.#sealed = [];
    this.#sealedBytes = 0;
    this.#retired = [];
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
    if (this.#sealed.length > 0) return;
    for (const slab of this.#retired) giveSlab(slab);
    this.#retired.length = 0;
    if (this.#at > this.#from) return;
    this.#from = 0;
    this.#at = 0;
    giveSlab(this.slab);
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

  readonly #tick = (): void => {
    this.#scheduled = false;
    this.flush();
  };
}
