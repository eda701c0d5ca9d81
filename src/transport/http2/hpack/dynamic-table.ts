import { entrySize } from "./static-table.ts";

/** HPACK's dynamic table: what was added last has the lowest index. RFC 7541, section 2.3.2. */
export class DynamicTable {
  /** In octets as RFC 7541, section 4.1 counts them. */
  size = 0;
  limit: number;
  count = 0;
  /** Counts what was ever added: the newest entry has the number `added - 1`. */
  added = 0;
  // A ring; the newest entry stands at `head`. It grows with what is added, since most tables hold little.
  #names: string[] = new Array(16);
  #values: string[] = new Array(16);
  #head = -1;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** @param age 0 for the newest entry; less than `count` */
  name(age: number): string {
    return this.#names[(this.#head - age) & (this.#names.length - 1)] as string;
  }

  value(age: number): string {
    return this.#values[(this.#head - age) & (this.#values.length - 1)] as string;
  }

  /** Adds an entry; the oldest make room. One larger than the table empties it. */
  add(name: string, value: string): void {
    const size = entrySize(name, value);
    this.evict(this.limit - size);
    if (size > this.limit) return;
    if (this.count === this.#names.length) this.#grow();
    this.#head = (this.#head + 1) & (this.#names.length - 1);
    this.#names[this.#head] = name;
    this.#values[this.#head] = value;
    this.size += size;
    this.count++;
    this.added++;
  }

  /** Drops the newest entry, as if it had never been added. */
  takeBack(): void {
    this.size -= entrySize(this.name(0), this.value(0));
    this.#names[this.#head] = "";
    this.#values[this.#head] = "";
    this.#head = (this.#head - 1) & (this.#names.length - 1);
    this.count--;
    this.added--;
  }

  /** Drops the oldest entries until at most `most` octets are left. */
  evict(most: number): void {
    while (this.count > 0 && this.size > most) {
      const oldest = this.count - 1;
      this.size -= entrySize(this.name(oldest), this.value(oldest));
      const at = (this.#head - oldest) & (this.#names.length - 1);
      this.#names[at] = "";
      this.#values[at] = "";
      this.count--;
    }
  }

  #grow(): void {
    const names: string[] = new Array(this.count * 2);
    const values: string[] = new Array(this.count * 2);
    for (let i = 0; i < this.count; i++) {
      names[i] = this.name(this.count - 1 - i);
      values[i] = this.value(this.count - 1 - i);
    }
    this.#names = names;
    this.#values = values;
    this.#head = this.count - 1;
  }
}
