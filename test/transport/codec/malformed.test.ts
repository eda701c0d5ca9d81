import { readFileSync } from "node:fs";
import { createFileRegistry, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { FastReader } from "../../../src/transport/codec/fast-reader.ts";
import { SlabWriter } from "../../../src/transport/codec/slab-writer.ts";
import { Empty, Nest, Rich } from "./golden/rich.ts";
import { Maker } from "./random-rich.ts";

const reader = new FastReader();
const descriptors = readFileSync(new URL("./golden/rich.binpb", import.meta.url));
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
const richSchema = registry.getMessage("codec.test.v1.Rich") as DescMessage;

/** Reads a message from its bytes in hex, with more bytes behind it that it must not touch. */
function read<T>(type: { decode(input: Uint8Array): T }, hex: string): T {
  const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
  const slab = Buffer.concat([bytes, Buffer.alloc(32, 1)]);
  return reader.read(type as never, slab, 0, bytes.length);
}

const malformed: readonly (readonly [what: string, hex: string, message: RegExp])[] = [
  ["a tag without its value", "28", /cut short/],
  ["a varint cut short", "28 80 80", /cut short/],
  ["a tag cut short", "28 01 80", /cut short/],
  ["a varint of eleven bytes in a known field", "28 ff ff ff ff ff ff ff ff ff ff 01", /longer than ten bytes/],
  ["a 64-bit varint of eleven bytes", "40 ff ff ff ff ff ff ff ff ff ff 01", /longer than ten bytes/],
  ["a varint of eleven bytes in an unknown field", "98 06 ff ff ff ff ff ff ff ff ff ff 01", /longer than ten bytes/],
  ["a tag of six bytes", "a8 80 80 80 80 00 01", /tag is longer than five bytes/],
  ["a tag over 32 bits", "a8 80 80 80 10 01", /tag is longer than five bytes/],
  ["a string that runs beyond the message", "0a 05 61", /cut short/],
  ["bytes that run beyond the message", "12 7f 61", /cut short/],
  ["bytes of 4 GiB", "12 ff ff ff ff 0f", /cut short/],
  ["a fixed32 cut short", "55 01 02 03", /cut short/],
  ["a double cut short", "79 01 02 03 04 05 06 07", /cut short/],
  ["a nested message that runs beyond its parent", "8a 01 05 28 01", /ends behind its parent/],
  ["a field that runs beyond its nested message", "8a 01 02 0a 02 61 62", /do not end where/],
  ["a nested varint that runs beyond its message", "8a 01 02 28 80 01", /do not end where/],
  ["packed numbers that run beyond the message", "ba 01 05 01", /cut short/],
  [
    "a packed number that runs beyond its field",
    "82 02 09 00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00",
    /packed field|do not end where/,
  ],
  ["a packed number that runs beyond its field at the very end", "fa 01 03 00 00 00 00", /packed field/],
  ["a packed varint that runs beyond its field", "ba 01 01 80 01", /packed field/],
  ["a map entry that runs beyond the message", "c2 02 09 0a 01 61", /ends behind its parent/],
  ["field number 0", "00 01", /do not end where/],
  ["field number 0 of another wire type", "02 01 61", /number 0/],
  ["field number 0 at the very end", "28 01 00", /number 0/],
  ["wire type 6", "0e 01", /wire type 6/],
  ["wire type 7 in an unknown field", "9f 06 01", /wire type 7/],
  ["the end of a group that never began", "0c 28 01", /do not end where/],
  ["the end of a group that never began at the very end", "28 01 0c", /wire type 4/],
  ["a group that never ends", "9b 06 08 01", /cut short/],
  ["a tag of six bytes in a group", "9b 06 88 80 80 80 80 00 01 9c 06", /tag is longer than five bytes/],
  ["field number 0 as a group in a group", "9b 06 03 04 9c 06", /number 0/],
  ["a group that another one's end closes", "9b 06 08 01 a4 06", /wire type 4/],
  ["a lone continuation byte in a string", "0a 02 61 80", /UTF-8/],
  ["an overlong encoding in a string", "0a 02 c0 80", /UTF-8/],
  ["half a surrogate pair in a string", "0a 03 ed a0 80", /UTF-8/],
  ["a code point over U+10FFFF in a string", "0a 04 f4 90 80 80", /UTF-8/],
  ["a string that breaks off inside a character", "0a 02 61 e2", /UTF-8/],
  ["a long string that is not UTF-8", `0a 64 ${"61".repeat(99)} ff`, /UTF-8/],
  ["a string that is not UTF-8, as the key of a map", "c2 02 03 0a 01 ff", /UTF-8/],
];

test.each(malformed)("%s is refused", (_, hex, message) => {
  expect(() => read(Rich, hex)).toThrow(message);
});

test("after a refusal the reader reads on", () => {
  expect(() => read(Rich, "8a 01 05 28 01")).toThrow();
  expect(read(Rich, "28 01").uint32).toBe(1);
});

test("what protobuf allows is read", () => {
  expect(read(Rich, "a8 80 80 80 00 01").uint32).toBe(1); // a tag of five bytes
  expect(read(Rich, "28 81 80 80 80 80 80 80 80 80 00").uint32).toBe(1); // a number of ten
  expect(read(Rich, "28 ff ff ff ff ff ff ff ff ff 01").uint32).toBe(4294967295); // 64 bits cut to 32
  expect(read(Rich, "28 84 80 80 80 10 28 04").uint32).toBe(4);
  expect(read(Rich, "20 ff ff ff ff ff ff ff ff ff 01").int32).toBe(-1);
  expect(read(Rich, "18 80 80 80 80 80 80 80 80 80 01").flag).toBe(true);
  expect(read(Rich, "0a 03 ef bf bd").text).toBe("\ufffd");
  expect(read(Rich, "0a 06 ef bb bf 61 62 63").text).toBe("\ufeffabc");
  expect(read(Rich, "8a 01 00 8a 01 02 28 00").nested?.uint32).toBe(0);
});

test("messages whose last value looks like no tag are read", () => {
  for (const value of [0, 4, 12, 20, 2 ** 32 - 4]) {
    const bytes = Nest.encode({ nest: { nest: undefined, value }, value }).finish();
    const forced = Uint8Array.of(...bytes, 0x10, 0);
    expect(reader.read(Nest, bytes, 0, bytes.length)).toEqual({ nest: { nest: undefined, value }, value });
    expect(reader.read(Nest, forced, 0, forced.length).value).toBe(0);
  }
});

test("a field of another wire type than its own, and fields nobody knows, are passed over", () => {
  expect(read(Rich, "08 05 2a 01 61 28 07").uint32).toBe(7);
  expect(read(Empty, "9b 06 a3 06 08 01 a4 06 9c 06")).toEqual({});
  const bytes = Rich.encode(new Maker(1).rich(1)).finish();
  expect(reader.read(Empty, bytes, 0, bytes.length)).toEqual({});
});

test("what is skipped is copied for a codec that keeps it, and for no other", () => {
  const bytes = Buffer.from("0a03616263" + "0b10010c" + "1801", "hex");
  const kept: Uint8Array[] = [];
  const keeping = {
    $type: "codec.test.v1.Keeping",
    decode(source: unknown) {
      const message: { _unknownFields?: object } = {};
      const from = source as FastReader;
      while (from.pos < from.len) {
        kept.push(from.skip(from.uint32() & 7));
        message._unknownFields = {};
      }
      return message;
    },
  };
  reader.read(keeping as never, bytes, 0, bytes.length);
  expect(kept.slice(1).map((each) => Buffer.from(each).toString("hex"))).toEqual(["03616263", "10010c", "01"]);
  reader.read(Empty, bytes, 0, bytes.length);
  reader.begin(bytes, 0, bytes.length);
  expect(reader.skip(reader.uint32() & 7)).toHaveLength(0);
  expect(reader.pos).toBe(5);
});

test("nested messages and groups are read to 100 levels and refused beyond", () => {
  const nested = (levels: number) => {
    let bytes = Buffer.alloc(0);
    for (let i = 1; i < levels; i++) {
      const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7];
      bytes = Buffer.concat([Buffer.of(0x0a, ...length), bytes]);
    }
    return bytes.toString("hex");
  };
  expect(() => read(Nest, nested(100))).not.toThrow();
  expect(() => read(Nest, nested(101))).toThrow(/deeper than 100 levels/);
  expect(() => read(Empty, "9b06".repeat(99) + "9c06".repeat(99))).not.toThrow();
  expect(() => read(Empty, "9b06".repeat(101) + "9c06".repeat(101))).toThrow(/deeper than 100 levels/);
});

test("wherever a message is cut, it is read or refused as @bufbuild/protobuf does", () => {
  const writer = new SlabWriter();
  for (let round = 0; round < 100; round++) {
    const maker = new Maker(round);
    const whole = maker.rich(1);
    const fields = Object.keys(whole) as (keyof Rich)[];
    const some = Object.fromEntries([1, 2, 3].map(() => maker.one(fields)).map((field) => [field, whole[field]]));
    const end = writer.write(Rich, Rich.fromPartial(some), Buffer.alloc(1000), 0, 0);
    for (let i = 0; i < 20; i++) {
      const bytes = new Uint8Array(writer.slab.subarray(0, maker.below(end + 1)));
      expect(
        outcome(() => Rich.encode(reader.read(Rich, bytes, 0, bytes.length)).finish()),
        `round ${round}`,
      ).toEqual(outcome(() => bytes));
    }
  }
});

/** What protobuf-es makes of a message's bytes, as its own bytes; undefined where it refuses them. */
function outcome(bytes: () => Uint8Array): Uint8Array | undefined {
  try {
    return toBinary(richSchema, fromBinary(richSchema, bytes()), { writeUnknownFields: false });
  } catch {
    return undefined;
  }
}

test("no prefix, no flipped bit and no garbage makes the reader do anything but answer or refuse", () => {
  const writer = new SlabWriter();
  for (let round = 0; round < 150; round++) {
    const maker = new Maker(round);
    const end = writer.write(Rich, maker.rich(1), Buffer.alloc(1000), 0, 0);
    const bytes = Buffer.from(writer.slab.subarray(0, end));
    for (let i = 0; i < 20 && end > 0; i++) {
      const cut = maker.chance(0.3) ? maker.below(end) : end;
      if (cut === end) bytes[maker.below(end)] = maker.below(256);
      let known: unknown;
      try {
        known = reader.read(Rich, bytes, 0, cut);
      } catch (error) {
        expect(String(error)).toMatch(/^MalformedMessage: the message is malformed/);
      }
      if (known === undefined) continue;
      // What it accepts, a stock reader accepts.
      expect(() => Rich.decode(new Uint8Array(bytes.subarray(0, cut)))).not.toThrow();
    }
  }
});
