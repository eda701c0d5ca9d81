import { Code } from "../../core/code.ts";
import { RpcError } from "../../core/rpc-error.ts";
import type { MemoryAccount } from "../memory-account.ts";
import { isOver, Oversize } from "../oversize.ts";

/** gRPC's prefix of a message: a flag for compression, and the length in 32 bits. */
export const PREFIX_BYTES = 5;
/** Messages from this size on get a buffer of their own. */
const LARGE_BYTES = 16 * 1024;
/**
 * What a message gets at first, however long it claims to be: more comes as its bytes do, or all of it once the peer has
 * been granted it. Enough for 64 KiB of data and what its message adds.
 */
const FIRST_BYTES = 72 * 1024;
/** The most that a message gets at once when it is granted; larger ones grow as they come. */
const MOST_AT_ONCE_BYTES = 8 * 1024 * 1024;
const SMALLEST_BYTES = 512;
/** The same for all while memory is short. */
const TIGHT_BYTES = 1024;

/** Bytes that belong together: many small messages with their prefixes, or one large message without. */
interface Segment {
  bytes: Buffer;
  read: number;
  write: number;
  /** For a large message: its length, and its flag. */
  readonly large: number;
  readonly flag: number;
}

/**
 * The messages that a stream has received and nobody has read. They are kept as bytes and decoded only when they are
 * taken, so that what is kept is never larger than what the peer has sent.
 */
export class Inbox {
  /** Messages that are complete. */
  ready = 0;
  /** Bytes that are kept, prefixes included. */
  size = 0;
  /** How long the message that is coming is, prefix included; 0 between messages or while its prefix is coming. */
  expects = 0;
  /** Where `take` found a message. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  /** 1 where the message that `take` found is compressed. */
  flag = 0;
  /** True where the message that `take` found has `bytes` for itself. */
  owned = false;
  /** True where all that is missing of the message that is coming counts in the memory that the peer may fill. */
  granted = false;
  readonly #maxBytes: number;
  #memory: MemoryAccount | undefined;
  /** Bytes of memory that it takes. */
  #taken = 0;
  readonly #segments: Segment[] = [];
  /** What has come of the message that is coming. */
  #have = 0;
  readonly #prefix: Buffer = Buffer.allocUnsafe(PREFIX_BYTES);

  /**
   * @param maxBytes the largest message to accept, as it is sent; negative is no limit
   * @param memory is charged with what is kept
   */
  constructor(maxBytes: number, memory?: MemoryAccount) {
    this.#maxBytes = maxBytes;
    this.#memory = memory;
  }

  /** True while a message has begun and is not complete. */
  get partial(): boolean {
    return this.#have > 0;
  }

  /** Bytes that the message that is coming still lacks; 0 while its length is not known. */
  get missing(): number {
    return this.expects === 0 ? 0 : this.expects - this.#have;
  }

  /**
   * Takes in what a DATA frame brought; the bytes are copied.
   * @throws RpcError for a message over the limit, or with a prefix that gRPC does not know
   */
  append(source: Buffer, start: number, end: number): void {
    this.size += end - start;
    let at = start;
    while (at < end) {
      if (this.#have === 0) {
        at = this.#appendWhole(source, at, end);
        if (at === end) return;
      }
      at = this.#have < PREFIX_BYTES ? this.#appendPrefix(source, at, end) : this.#appendBody(source, at, end);
    }
  }

  /** Finds the next message and counts it as read. False where none is complete. */
  take(): boolean {
    if (this.ready === 0) return false;
    this.ready--;
    let segment = this.#segments[0] as Segment;
    if (segment.large < 0 && segment.read === segment.write) {
      this.#drop(segment);
      segment = this.#segments[0] as Segment;
    }
    this.bytes = segment.bytes;
    this.owned = segment.large >= 0;
    if (segment.large >= 0) {
      this.#drop(segment);
      this.start = 0;
      this.end = segment.large;
      this.flag = segment.flag;
      this.size -= PREFIX_BYTES + segment.large;
      return true;
    }
    this.start = segment.read + PREFIX_BYTES;
    this.end = this.start + segment.bytes.readUInt32BE(segment.read + 1);
    this.flag = segment.bytes[segment.read] as number;
    this.size -= this.end - segment.read;
    segment.read = this.end;
    // What was large once need not stay so.
    if (segment.read === segment.write && segment.bytes.length > FIRST_BYTES) this.#drop(segment);
    return true;
  }

  /** What `take` found, for whoever keeps it: nothing else is written there. */
  own(): Buffer {
    const found = this.bytes.subarray(this.start, this.end);
    return this.owned ? found : Buffer.from(found);
  }

  /** Lets go of everything. */
  clear(): void {
    this.#segments.length = 0;
    this.ready = 0;
    this.size = 0;
    this.#have = 0;
    this.expects = 0;
    this.#charge(-this.#taken);
  }

  /** What is kept is the reader's from now on: it counts for the peer no more. */
  disown(): void {
    this.#charge(-this.#taken);
    this.#memory = undefined;
  }

  /** Copies all small messages that stand whole at `at`, in one piece, and returns where the next one begins. */
  #appendWhole(source: Buffer, at: number, end: number): number {
    let next = at;
    let count = 0;
    while (end - next >= PREFIX_BYTES) {
      const length = source.readUInt32BE(next + 1);
      if (length >= LARGE_BYTES || next + PREFIX_BYTES + length > end) break;
      // What must be refused is refused with its prefix, once all before it is kept.
      if ((source[next] as number) > 1 || (this.#maxBytes >= 0 && length > this.#maxBytes)) break;
      next += PREFIX_BYTES + length;
      count++;
    }
    if (count > 0) {
      const tail = this.#room(next - at);
      source.copy(tail.bytes, tail.write, at, next);
      tail.write += next - at;
      this.ready += count;
    }
    return next;
  }

  #appendPrefix(source: Buffer, at: number, end: number): number {
    const next = Math.min(end, at + PREFIX_BYTES - this.#have);
    source.copy(this.#prefix, this.#have, at, next);
    this.#have += next - at;
    if (this.#have < PREFIX_BYTES) return next;
    const length = this.#prefix.readUInt32BE(1);
    const flag = this.#prefix[0] as number;
    this.#check(flag, length);
    this.expects = PREFIX_BYTES + length;
    if (length >= LARGE_BYTES) {
      const first = this.#mayTake(FIRST_BYTES) ? FIRST_BYTES : TIGHT_BYTES;
      this.#add(Math.min(length, first), length, flag);
    } else {
      const tail = this.#room(PREFIX_BYTES + length);
      this.#prefix.copy(tail.bytes, tail.write);
      tail.write += PREFIX_BYTES;
      if (length === 0) this.#complete();
    }
    return next;
  }

  #appendBody(source: Buffer, at: number, end: number): number {
    const tail = this.#segments[this.#segments.length - 1] as Segment;
    const next = Math.min(end, at + this.expects - this.#have);
    if (tail.write + next - at > tail.bytes.length) {
      const enough = Math.max(tail.bytes.length * 2, tail.write + next - at);
      if (tail.large < 0) this.#enlarge(tail, enough);
      else this.#enlarge(tail, Math.min(tail.large, this.#atOnce(tail.large, enough)));
    }
    source.copy(tail.bytes, tail.write, at, next);
    tail.write += next - at;
    this.#have += next - at;
    if (this.#have === this.expects) this.#complete();
    return next;
  }

  #complete(): void {
    this.ready++;
    this.#have = 0;
    this.expects = 0;
    this.granted = false;
  }

  #check(flag: number, length: number): void {
    if (flag > 1) throw new RpcError(Code.INTERNAL, `a message has the flags ${flag}, which gRPC does not define`);
    if (isOver(length, this.#maxBytes)) throw new Oversize(length, this.#maxBytes);
    const memory = this.#memory;
    if (memory !== undefined && length > memory.mostMessageBytes - PREFIX_BYTES) throw overBudget(length, memory);
  }

  /** The segment of small messages to write `count` bytes to. */
  #room(count: number): Segment {
    const tail = this.#segments[this.#segments.length - 1];
    if (tail === undefined || tail.large >= 0) {
      return this.#add(Math.max(SMALLEST_BYTES, count), -1, 0);
    }
    if (tail.read === tail.write) {
      tail.read = 0;
      tail.write = 0;
    }
    if (tail.write + count > tail.bytes.length) {
      this.#enlarge(tail, Math.max(SMALLEST_BYTES, (tail.write - tail.read + count) * 2));
    }
    return tail;
  }

  #atOnce(length: number, enough: number): number {
    const most = Math.max(enough, MOST_AT_ONCE_BYTES);
    return this.granted && this.#mayTake(Math.min(length, most)) ? most : enough;
  }

  #mayTake(bytes: number): boolean {
    return this.#memory === undefined || this.#memory.has(bytes);
  }

  #add(capacity: number, large: number, flag: number): Segment {
    const segment = { bytes: Buffer.allocUnsafeSlow(capacity), read: 0, write: 0, large, flag };
    this.#segments.push(segment);
    this.#charge(capacity);
    return segment;
  }

  /** Lets go of the first segment. */
  #drop(segment: Segment): void {
    this.#segments.shift();
    this.#charge(-segment.bytes.length);
  }

  #enlarge(segment: Segment, capacity: number): void {
    this.#charge(capacity - segment.bytes.length);
    enlarge(segment, capacity);
  }

  #charge(bytes: number): void {
    if (this.#memory === undefined) return;
    this.#taken += bytes;
    if (bytes > 0) this.#memory.hold(bytes);
    else this.#memory.free(-bytes);
  }
}

/** A message could wait for ever: not even the whole budget of memory holds it. That is this side's to mend. */
export function overBudget(bytes: number, { budgetBytes, mostMessageBytes }: MemoryAccount): RpcError {
  const least = bytes + PREFIX_BYTES + budgetBytes - mostMessageBytes;
  const why = `a message of ${bytes} bytes was received; memoryBudgetBytes is ${budgetBytes}, and would have to be ${least}`;
  return new RpcError(Code.RESOURCE_EXHAUSTED, why, { local: true });
}

/** Moves what is unread to the beginning of a buffer of `capacity` bytes. */
function enlarge(segment: Segment, capacity: number): void {
  const { bytes, read, write } = segment;
  const larger = Buffer.allocUnsafeSlow(capacity);
  bytes.copy(larger, 0, read, write);
  segment.bytes = larger;
  segment.read = 0;
  segment.write = write - read;
}
