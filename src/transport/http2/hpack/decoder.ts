import { DynamicTable } from "./dynamic-table.ts";
import { huffmanDecode } from "./huffman.ts";
import { integerEnd, readInteger } from "./integer.ts";
import { entrySize, STATIC_COUNT, staticNames, staticValues } from "./static-table.ts";

/** A header block that does not decode. The connection must end: the tables of its two sides differ from here on. */
export class CompressionError extends Error {}
Object.defineProperty(CompressionError.prototype, "name", { value: "CompressionError", configurable: true });

/** Decodes header blocks. RFC 7541. */
export class HpackDecoder {
  /** Another number whenever the table has changed: what was decoded before may decode to something else now. */
  version = 0;
  /**
   * How long the last list was, in octets. Of one that is longer than allowed the fields beyond were dropped; the table is
   * in step all the same.
   */
  listBytes = 0;
  readonly #table: DynamicTable;
  readonly #tableLimit: number;
  readonly #maxListBytes: number;
  #at = 0;

  /**
   * @param tableLimit the SETTINGS_HEADER_TABLE_SIZE that was announced, in octets
   * @param maxListBytes the largest list of headers, each field counted with 32 octets on top
   */
  constructor(tableLimit: number, maxListBytes: number) {
    this.#table = new DynamicTable(tableLimit);
    this.#tableLimit = tableLimit;
    this.#maxListBytes = maxListBytes;
  }

  /**
   * Decodes a whole block to names and values in turn.
   * @throws CompressionError
   */
  decode(block: Buffer, start: number, end: number): string[] {
    const fields: string[] = [];
    let listBytes = 0;
    this.#at = start;
    while (this.#at < end && ((block[this.#at] as number) & 0xe0) === 0x20) this.#resize(block, end);
    while (this.#at < end) {
      const first = block[this.#at] as number;
      let name: string;
      let value: string;
      if (first >= 0x80) {
        const index = this.#integer(block, end, 7);
        name = this.#name(index);
        value = this.#value(index);
      } else if ((first & 0xe0) === 0x20) {
        throw new CompressionError("a change of the table's size stands behind a field");
      } else {
        const adds = first >= 0x40;
        const index = this.#integer(block, end, adds ? 6 : 4);
        name = index === 0 ? this.#text(block, end) : this.#name(index);
        value = this.#text(block, end);
        if (adds) {
          this.#table.add(name, value);
          this.version++;
        }
      }
      listBytes += entrySize(name, value);
      if (listBytes <= this.#maxListBytes) fields.push(name, value);
    }
    this.listBytes = listBytes;
    return fields;
  }

  #resize(block: Buffer, end: number): void {
    const limit = this.#integer(block, end, 5);
    if (limit > this.#tableLimit) throw new CompressionError(`a table of ${limit} octets is over the limit`);
    this.#table.limit = limit;
    this.#table.evict(limit);
    this.version++;
  }

  #integer(block: Buffer, end: number, bits: number): number {
    const value = readInteger(block, this.#at, end, bits);
    if (value < 0) throw new CompressionError("an integer is cut short or too large");
    this.#at = integerEnd;
    return value;
  }

  #name(index: number): string {
    if (index > 0 && index <= STATIC_COUNT) return staticNames[index] as string;
    return this.#table.name(this.#age(index));
  }

  #value(index: number): string {
    if (index > 0 && index <= STATIC_COUNT) return staticValues[index] as string;
    return this.#table.value(this.#age(index));
  }

  #age(index: number): number {
    const age = index - STATIC_COUNT - 1;
    if (age < 0 || age >= this.#table.count) throw new CompressionError(`there is no entry ${index}`);
    return age;
  }

  #text(block: Buffer, end: number): string {
    if (this.#at >= end) throw new CompressionError("a field is cut short");
    const huffman = (block[this.#at] as number) >= 0x80;
    const length = this.#integer(block, end, 7);
    const start = this.#at;
    if (length > end - start) throw new CompressionError("a text is cut short");
    this.#at = start + length;
    if (!huffman) return block.toString("latin1", start, start + length);
    const text = huffmanDecode(block, start, start + length);
    if (text === undefined) throw new CompressionError("a text is no Huffman code");
    return text;
  }
}
