import { Rich } from "./golden/rich.ts";

/** Random numbers that a seed repeats: mulberry32. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const alphabets = ["abc xyz 0189", "äöüßé", "日本語漢字", "😀🚀", "\u0000\u007f\u0080\u07ff\u0800\uffff\ufeff\ufffd"];

/** Makes random values, with the edges of every type more often than chance would have them. */
export class Maker {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = random(seed);
  }

  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  chance(share: number): boolean {
    return this.#next() < share;
  }

  one<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }

  bits(width: number): bigint {
    let value = 0n;
    for (let i = 0; i < width; i += 16) value = (value << 16n) | BigInt(this.below(65536));
    return value >> BigInt(this.below(width));
  }

  uint64(): bigint {
    return this.chance(0.2) ? this.one([0n, 1n, 127n, 128n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n]) : this.bits(64);
  }

  int64(): bigint {
    return this.chance(0.2) ? this.one([0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]) : BigInt.asIntN(64, this.bits(64));
  }

  uint32(): number {
    return this.chance(0.2) ? this.one([0, 4, 127, 128, 16383, 16384, 4294967295]) : Number(this.bits(32));
  }

  int32(): number {
    return this.chance(0.2) ? this.one([0, -1, 2147483647, -2147483648]) : Number(this.bits(32)) | 0;
  }

  double(): number {
    return this.chance(0.3)
      ? this.one([0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.MIN_VALUE, Number.MAX_VALUE])
      : (this.#next() - 0.5) * 10 ** this.below(300);
  }

  float(): number {
    const value = Math.fround((this.#next() - 0.5) * 10 ** this.below(40));
    return Number.isFinite(value) ? value : 0;
  }

  text(): string {
    const length = this.one([0, 1, 5, 12, 13, 24, 25, 31, 43, 48, 49, 127, 128, 200, 5500, this.below(60)]);
    const alphabet = this.chance(0.6) ? (alphabets[0] as string) : this.one(alphabets);
    const letters = [...alphabet];
    let text = "";
    while (text.length < length) text += this.chance(0.98) ? this.one(letters) : this.one([..."aä日😀"]);
    return text;
  }

  data(): Uint8Array {
    const bytes = new Uint8Array(this.one([0, 1, 31, 127, 128, 400, 4000]));
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.below(256);
    return bytes;
  }

  list<T>(make: () => T, most = 200): T[] {
    return Array.from({ length: Math.min(most, this.one([0, 0, 0, 1, 2, 5, 40, 200])) }, make);
  }

  rich(depth: number): Rich {
    const whole: Rich = {
      ...this.#scalars(),
      ...this.#lists(depth),
      ...this.#presences(depth),
      far: this.text(),
    };
    const share = this.#next();
    const empty = Rich.fromPartial({});
    const fields = Object.keys(whole) as (keyof Rich)[];
    return Object.fromEntries(fields.map((key) => [key, this.chance(share) ? whole[key] : empty[key]])) as never;
  }

  #scalars() {
    return {
      text: this.text(),
      data: this.data(),
      flag: this.chance(0.5),
      int32: this.int32(),
      uint32: this.uint32(),
      sint32: this.int32(),
      int64: this.int64(),
      uint64: this.uint64(),
      sint64: this.int64(),
      fixed32: this.uint32(),
      sfixed32: this.int32(),
      fixed64: this.uint64(),
      sfixed64: this.int64(),
      float: this.float(),
      double: this.double(),
      color: this.one([0, 1, 1000, -1, 77]) as never,
    };
  }

  #lists(depth: number) {
    return {
      texts: this.list(() => this.text(), 5),
      datas: this.list(() => this.data(), 5),
      flags: this.list(() => this.chance(0.5)),
      int32s: this.list(() => this.int32()),
      uint32s: this.list(() => this.uint32()),
      sint32s: this.list(() => this.int32()),
      int64s: this.list(() => this.int64()),
      uint64s: this.list(() => this.uint64()),
      sint64s: this.list(() => this.int64()),
      fixed32s: this.list(() => this.uint32()),
      sfixed64s: this.list(() => this.int64()),
      floats: this.list(() => this.float()),
      doubles: this.list(() => this.double()),
      colors: this.list(() => this.one([0, 1, 1000, -1]) as never),
      children: depth > 0 ? this.list(() => this.rich(depth - 1), 3) : [],
      unpacked: this.list(() => this.int32()),
      textsByText: Object.fromEntries(this.list(() => [this.text(), this.text()] as const, 5)),
      richesByInt32: depth > 0 ? { [this.int32()]: this.rich(depth - 1) } : {},
      datasByUint64: new Map(this.list(() => [this.uint64(), this.data()] as const, 5)),
      colorsByFlag: new Map(this.list(() => [this.chance(0.5), 1] as const)),
    };
  }

  #presences(depth: number) {
    const seconds = this.int64() % 253402300799n;
    const choices: Rich["choice"][] = [
      { $case: "choiceText", value: this.text() },
      { $case: "choiceUint32", value: this.uint32() },
      { $case: "choiceData", value: this.data() },
      { $case: "choiceDouble", value: this.double() },
    ];
    if (depth > 0) choices.push({ $case: "choiceRich", value: this.rich(depth - 1) });
    return {
      nested: depth > 0 ? this.rich(depth - 1) : undefined,
      optionalText: this.text(),
      optionalUint32: this.uint32(),
      optionalSint64: this.int64(),
      optionalFlag: this.chance(0.5),
      choice: this.one(choices),
      at: { seconds, nanos: this.below(1e9) },
      maybeText: this.text(),
      maybeUint64: this.uint64(),
      struct: { text: this.text(), number: this.float(), list: [1, true, null, "x"] },
      value: { a: { b: this.text() } },
    };
  }
}
