import { DynamicTable } from "./dynamic-table.ts";
import { huffmanEncode, huffmanLength } from "./huffman.ts";
import { writeInteger } from "./integer.ts";
import { entrySize, STATIC_COUNT, staticIndex } from "./static-table.ts";

/** The octets our table may hold, however many the peer allows. */
const OWN_TABLE_LIMIT = 4096;
/** Names whose every value is worth an entry: there are few values, and each comes again. */
const several: ReadonlySet<string> = new Set([":path", "grpc-status"]);
/** Values that no table should remember, since who can make requests could guess at them by their size. */
const secret: ReadonlySet<string> = new Set(["authorization", "cookie", "proxy-authorization", "set-cookie"]);

/**
 * Encodes header blocks. RFC 7541.
 *
 * The table only ever fills up: a field enters it when its name is first seen, while there is room, and stays. After a
 * few calls it stands still, so that a block made once can be sent again and again, and the peer can know it by its
 * bytes. Where a field was added, blocks made before are out of date: `version` tells.
 */
export class HpackEncoder {
  /** Another number whenever blocks made before are no longer right. */
  version = 0;
  /** Counts the blocks that were begun. */
  blocks = 0;
  /** The block under way stands in `bytes` up to `length`. */
  bytes: Buffer = Buffer.allocUnsafeSlow(512);
  length = 0;
  readonly #table: DynamicTable = new DynamicTable(OWN_TABLE_LIMIT);
  /** The number of the entry that holds a name, or a name, a zero byte and a value. */
  readonly #entries: Map<string, number> = new Map();
  #smallestLimit = OWN_TABLE_LIMIT;
  #limitChanged = false;
  #versionAtBegin = 0;
  /** What the block under way has added to `#entries`, and to the table. */
  #keysAdded: string[] = [];
  #addedAtBegin = 0;
  /** The limit that it announces first, where it announces any. */
  #announced: number | undefined;

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  setPeerLimit(octets: number): void {
    const limit = Math.min(octets, OWN_TABLE_LIMIT);
    if (limit === this.#table.limit) return;
    this.#smallestLimit = Math.min(this.#smallestLimit, limit);
    this.#table.limit = limit;
    // Whatever is evicted leaves gaps in what is remembered of the rest. A new start is rare and simple.
    if (this.#table.size > limit) this.#smallestLimit = 0;
    if (this.#smallestLimit === 0) {
      this.#table.evict(0);
      this.#entries.clear();
    }
    this.#limitChanged = true;
    this.version++;
  }

  /** Begins a block, which is sent, or taken back by `undo`: it may have added fields to the table. */
  begin(): void {
    this.length = 0;
    this.blocks++;
    this.#versionAtBegin = this.version;
    this.#addedAtBegin = this.#table.added;
    if (this.#keysAdded.length > 0) this.#keysAdded = [];
    this.#announced = undefined;
    if (!this.#limitChanged) return;
    this.#announced = this.#smallestLimit;
    this.#limitChanged = false;
    this.version++;
    this.#reserve(12);
    if (this.#smallestLimit < this.#table.limit) {
      this.length = writeInteger(this.bytes, this.length, 0x20, 5, this.#smallestLimit);
    }
    this.length = writeInteger(this.bytes, this.length, 0x20, 5, this.#table.limit);
    this.#smallestLimit = this.#table.limit;
  }

  /** Takes back the block that was begun last, as if it had never been: it is not sent. */
  undo(): void {
    for (const key of this.#keysAdded) this.#entries.delete(key);
    this.#keysAdded = [];
    while (this.#table.added > this.#addedAtBegin) this.#table.takeBack();
    this.version = this.#versionAtBegin;
    this.length = 0;
    if (this.#announced === undefined) return;
    this.#smallestLimit = this.#announced;
    this.#limitChanged = true;
  }

  /** True where the next block must tell the peer about the table, so that no block made before can be sent. */
  get mustAnnounce(): boolean {
    return this.#limitChanged;
  }

  /** True where the block under way changes the table, so that it can be sent but once. */
  get changed(): boolean {
    return this.version !== this.#versionAtBegin;
  }

  /**
   * Adds a field to the block. A name seen for the first time enters the table with its value, where both fit; then
   * the block must be sent or taken back, or the two sides differ.
   * @param value Latin-1
   */
  field(name: string, value: string): void {
    this.#reserve(name.length + value.length + 24);
    const pair = `${name}\0${value}`;
    const known = staticIndex.get(pair) ?? this.#index(pair);
    if (known !== undefined) {
      this.length = writeInteger(this.bytes, this.length, 0x80, 7, known);
      return;
    }
    const named = this.#index(name) ?? staticIndex.get(name);
    if (secret.has(name)) {
      this.#literal(0x10, 4, named, name, value, false);
      return;
    }
    if (this.#mayEnter(name, value)) {
      this.#literal(0x40, 6, named, name, value, true);
      this.#remember(name, pair, value);
      return;
    }
    this.#literal(0x00, 4, named, name, value, false);
  }

  /** Adds fields that were encoded before, which must still be right. */
  copy(block: Buffer, length: number): void {
    this.#reserve(length);
    const { bytes } = this;
    const at = this.length;
    for (let i = 0; i < length; i++) bytes[at + i] = block[i] as number;
    this.length = at + length;
  }

  #index(key: string): number | undefined {
    const number = this.#entries.get(key);
    return number === undefined ? undefined : STATIC_COUNT + this.#table.added - number;
  }

  #mayEnter(name: string, value: string): boolean {
    // Of most names only the first value enters: one that changes with every call would fill the table for nothing.
    if (!several.has(name) && this.#entries.has(name)) return false;
    return this.#table.size + entrySize(name, value) <= this.#table.limit;
  }

  #remember(name: string, pair: string, value: string): void {
    const number = this.#table.added;
    this.#table.add(name, value);
    this.#entries.set(pair, number);
    this.#keysAdded.push(pair);
    if (!this.#entries.has(name)) {
      this.#entries.set(name, number);
      this.#keysAdded.push(name);
    }
    this.version++;
  }

  #literal(
    first: number,
    bits: number,
    index: number | undefined,
    name: string,
    value: string,
    compact: boolean,
  ): void {
    this.length = writeInteger(this.bytes, this.length, first, bits, index ?? 0);
    if (index === undefined) this.#text(name, true);
    this.#text(value, compact);
  }

  /** A text that is sent once is worth its Huffman code; one that is sent with every call is not. */
  #text(text: string, compact: boolean): void {
    const coded = compact ? huffmanLength(text) : text.length;
    if (coded < text.length) {
      this.length = writeInteger(this.bytes, this.length, 0x80, 7, coded);
      this.length = huffmanEncode(text, this.bytes, this.length);
      return;
    }
    this.length = writeInteger(this.bytes, this.length, 0x00, 7, text.length);
    this.bytes.write(text, this.length, "latin1");
    this.length += text.length;
  }

  #reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow((this.length + count) * 2);
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}
