import { printedAs } from "./shown-as.ts";
import { whatIs } from "./what-is.ts";

/** A value of metadata: text, or bytes under a key that ends in `-bin`. */
export type MetadataValue = string | Uint8Array;

/** What metadata can be made from: several values of a key are an array. */
export type MetadataInit =
  | Metadata
  | Readonly<Record<string, MetadataValue | readonly MetadataValue[]>>
  | Iterable<readonly [key: string, value: MetadataValue]>;

const validKey = /^[0-9a-z_.-]+$/;
const validText = /^[\x20-\x7e]*$/;
/** Sent by a user they would break the call, or its connection (RFC 9113, 8.2.2). */
const httpKeys = new Set(
  "connection content-length content-type http2-settings keep-alive proxy-connection te transfer-encoding upgrade".split(
    " ",
  ),
);

/**
 * gRPC's metadata: an immutable list of keys and values. A key may stand several times; keys are compared in lower
 * case; a key that ends in `-bin` carries bytes, every other printable ASCII.
 */
export class Metadata implements Iterable<readonly [key: string, value: MetadataValue]> {
  static readonly EMPTY: Metadata = new Metadata([]);

  #flat: readonly MetadataValue[] | undefined;
  #decode: (() => readonly MetadataValue[]) | undefined;

  private constructor(flat: readonly MetadataValue[] | undefined) {
    this.#flat = flat;
  }

  /** Keys and values in turn: `[key, value, key, value]`. For transports; treat as read-only. */
  get flat(): readonly MetadataValue[] {
    return this.#flat ?? this.#decodeNow();
  }

  #decodeNow(): readonly MetadataValue[] {
    const flat = this.#decode?.() ?? [];
    this.#flat = flat;
    this.#decode = undefined;
    return flat;
  }

  /** @throws TypeError for a key or a value that gRPC cannot carry, naming it */
  static from(init: MetadataInit | undefined): Metadata {
    if (init === undefined) return Metadata.EMPTY;
    if (init instanceof Metadata) return init;
    if (typeof init !== "object" || init === null) {
      throw new TypeError(`metadata is ${whatIs(init)}: give an object: { "x-user": "you" }`);
    }
    const flat: MetadataValue[] = [];
    for (const pair of Symbol.iterator in init ? init : Object.entries(init)) {
      if (!Array.isArray(pair)) throw new TypeError(`metadata holds ${whatIs(pair)}: give pairs: [["x-user", "you"]]`);
      const [key, value] = pair;
      if (isValue(value)) append(flat, key, value);
      else if (Array.isArray(value)) for (const one of value) append(flat, key, one);
      else
        throw new TypeError(`metadata "${key}" is ${whatIs(value)}: give a string, a Uint8Array or an array of them`);
    }
    return flat.length === 0 ? Metadata.EMPTY : new Metadata(flat);
  }

  /** Wraps a list that a transport has decoded, without looking at it again. */
  static fromFlat(flat: readonly MetadataValue[]): Metadata {
    return flat.length === 0 ? Metadata.EMPTY : new Metadata(flat);
  }

  /** Wraps what a transport decodes to such a list, once, when somebody first looks into it. */
  static decodedBy(decode: () => readonly MetadataValue[]): Metadata {
    const metadata = new Metadata(undefined);
    metadata.#decode = decode;
    return metadata;
  }

  /** How many values it holds. */
  get size(): number {
    return this.flat.length / 2;
  }

  has(key: string): boolean {
    return this.#find(key) >= 0;
  }

  /** The first text under a key. `undefined` where there is none, or where the key holds bytes. */
  get(key: string): string | undefined {
    const at = this.#find(key);
    const value = at < 0 ? undefined : this.flat[at + 1];
    return typeof value === "string" ? value : undefined;
  }

  /** The first bytes under a `-bin` key. */
  getBytes(key: string): Uint8Array | undefined {
    const at = this.#find(key);
    const value = at < 0 ? undefined : this.flat[at + 1];
    return value instanceof Uint8Array ? value : undefined;
  }

  /** Every value of a key, in order. */
  getAll(key: string): MetadataValue[] {
    const name = key.toLowerCase();
    const found: MetadataValue[] = [];
    for (let i = 0; i < this.flat.length; i += 2) {
      if (this.flat[i] === name) found.push(this.flat[i + 1] as MetadataValue);
    }
    return found;
  }

  /** A copy in which `key` has these values and no others. */
  with(key: string, ...values: readonly MetadataValue[]): Metadata {
    const flat = [...this.without(key).flat];
    for (const value of values) append(flat, key, value);
    return Metadata.fromFlat(flat);
  }

  /** A copy in which one of gRPC's own keys has this value; those are taken from no user. */
  withReserved(key: string, value: string): Metadata {
    return Metadata.fromFlat([...this.without(key).flat, key, value]);
  }

  /** A copy with these values added; what is there stays. */
  append(more: MetadataInit): Metadata {
    const added = Metadata.from(more);
    if (added.size === 0) return this;
    return this.size === 0 ? added : new Metadata([...this.flat, ...added.flat]);
  }

  /** A copy without a key. */
  without(key: string): Metadata {
    if (!this.has(key)) return this;
    const name = key.toLowerCase();
    return Metadata.fromFlat(this.flat.filter((_, i) => this.flat[i - (i % 2)] !== name));
  }

  *[Symbol.iterator](): IterableIterator<readonly [key: string, value: MetadataValue]> {
    for (let i = 0; i < this.flat.length; i += 2) yield [this.flat[i] as string, this.flat[i + 1] as MetadataValue];
  }

  toJSON(): Record<string, MetadataValue[]> {
    const values = new Map<string, MetadataValue[]>();
    for (const [key, value] of this) {
      const those = values.get(key);
      if (those === undefined) values.set(key, [value]);
      else those.push(value);
    }
    // A peer may call a key as every object calls something of its own: `constructor`, `__proto__`.
    return Object.fromEntries(values);
  }

  #find(key: string): number {
    const { flat } = this;
    if (flat.length === 0) return -1;
    const name = key.toLowerCase();
    for (let i = 0; i < flat.length; i += 2) if (flat[i] === name) return i;
    return -1;
  }
}

// The values may be tokens.
printedAs(Metadata.prototype, "Metadata", (metadata) => [...new Set([...metadata].map(([key]) => key))]);

function isValue(value: unknown): value is MetadataValue {
  return typeof value === "string" || value instanceof Uint8Array;
}

function append(flat: MetadataValue[], key: string, value: MetadataValue): void {
  if (typeof key !== "string") throw new TypeError(`a key of metadata is ${whatIs(key)}: give a string`);
  const name = key.toLowerCase();
  if (!validKey.test(name)) throw new TypeError(`metadata key "${key}" may hold only 0-9 a-z _ - .`);
  if (httpKeys.has(name)) throw new TypeError(`metadata key "${key}" is HTTP's own`);
  if (name.startsWith("grpc-")) throw new TypeError(`metadata key "${key}": keys that start with grpc- are gRPC's own`);
  if (name.endsWith("-bin")) {
    if (!(value instanceof Uint8Array))
      throw new TypeError(`metadata "${key}" ends in -bin and is ${whatIs(value)}: give a Uint8Array`);
    flat.push(name, value);
    return;
  }
  if (typeof value !== "string")
    throw new TypeError(`metadata "${key}" is ${whatIs(value)}: give a string, or a key that ends in -bin`);
  if (!validText.test(value))
    throw new TypeError(`metadata "${key}" may hold only printable ASCII; use a key that ends in -bin`);
  flat.push(name, value.trim());
}
