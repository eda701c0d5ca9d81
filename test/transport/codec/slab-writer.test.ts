import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { expect, test } from "vitest";
import type { MessageType } from "../../../src/core/message.ts";
import { FastReader } from "../../../src/transport/codec/fast-reader.ts";
import { SlabWriter } from "../../../src/transport/codec/slab-writer.ts";
import { Nest, Rich } from "./golden/rich.ts";

const writer = new SlabWriter();

test("a message stands in the slab behind what was there, with room in front of it", () => {
  const slab = Buffer.alloc(100, 0xaa);
  const end = writer.write(Nest, { nest: undefined, value: 7 }, slab, 10, 14);
  expect(writer.slab).toBe(slab);
  expect(writer.start).toBe(10);
  expect(slab.subarray(24, end).toString("hex")).toBe("1007");
  expect(slab.subarray(0, 24).every((byte) => byte === 0xaa)).toBe(true);
});

test("a message that does not fit moves to a larger slab, and the old one keeps what it held", () => {
  const slab = Buffer.alloc(40, 0xaa);
  const message = Rich.fromPartial({ text: "x".repeat(100), children: [{ text: "y".repeat(9000) }] });
  const end = writer.write(Rich, message, slab, 30, 5);
  expect(writer.slab).not.toBe(slab);
  expect(writer.start).toBe(0);
  expect(writer.slab.subarray(5, end).equals(Rich.encode(message).finish())).toBe(true);
  expect(slab.subarray(0, 30).every((byte) => byte === 0xaa)).toBe(true);
});

test.each([0, 1, 13, 14])("a slab with no room for the header itself is left: %i bytes free", (free) => {
  const slab = Buffer.alloc(50);
  const end = writer.write(Nest, { nest: undefined, value: 7 }, slab, slab.length - free, 14);
  expect(writer.slab.subarray(writer.start + 14, end).toString("hex")).toBe("1007");
});

test("nested messages of every length around the steps of a varint are written as the stock writer does", () => {
  for (const length of [0, 1, 120, 126, 127, 128, 129, 16_381, 16_382, 16_383, 16_384, 2_097_150, 2_097_153]) {
    const message = Rich.fromPartial({ nested: { nested: { data: new Uint8Array(length) } } });
    const end = writer.write(Rich, message, Buffer.alloc(64), 0, 0);
    expect(writer.slab.subarray(0, end).equals(Rich.encode(message).finish()), `${length}`).toBe(true);
  }
});

const refused: readonly (readonly [field: string, value: unknown, message: RegExp])[] = [
  ["text", 5, /string was given the number 5/],
  ["text", null, /string was given null/],
  ["text", {}, /string was given an object \(Object\)/],
  ["texts", [undefined], /string was given undefined/],
  ["data", "abc", /bytes was given a string/],
  ["data", [1, 2], /bytes was given a list/],
  ["flag", "yes", /bool was given the string "yes"/],
  ["flag", undefined, /bool was given undefined/],
  ["int32", Number.NaN, /int32 was given the number NaN/],
  ["int32", 1.5, /int32 was given the number 1.5/],
  ["int32", 2 ** 31, /int32 was given the number 2147483648/],
  ["uint32", -1, /uint32 was given the number -1/],
  ["uint32", 2 ** 32, /uint32 was given the number 4294967296/],
  ["uint32", 1n, /uint32 was given the bigint 1/],
  ["sint32", "1.5", /sint32 was given the string "1.5"/],
  ["fixed32", Number.POSITIVE_INFINITY, /fixed32 was given the number Infinity/],
  ["sfixed32", undefined, /sfixed32 was given undefined/],
  ["color", "COLOR_RED", /int32 was given the string "COLOR_RED"/],
  ["float", 1e39, /float was given the number 1e\+39/],
  ["floats", ["1"], /float was given the string "1"/],
  ["double", undefined, /double was given undefined/],
  ["double", Symbol("x"), /double was given the symbol Symbol\(x\)/],
];

test.each(refused)("%s is not written from %o", (field, value, message) => {
  const wrong = { ...Rich.fromPartial({}), [field]: value };
  expect(() => writer.write(Rich, wrong, Buffer.alloc(10), 0, 0)).toThrow(TypeError);
  expect(() => writer.write(Rich, wrong, Buffer.alloc(10), 0, 0)).toThrow(message);
});

test("a 64-bit integer is written from nothing but an integer that fits", () => {
  const own = new SlabWriter();
  expect(() => own.int64(1.5)).toThrow(/int64 was given the number 1.5/);
  expect(() => own.uint64(-1n)).toThrow(/uint64 was given the bigint -1/);
  expect(() => own.sint64(2n ** 63n)).toThrow(/sint64 was given the bigint 9223372036854775808/);
  expect(() => own.sfixed64(true as never)).toThrow(/sfixed64 was given the boolean true/);
  expect(() => own.fixed64("0x1")).toThrow(/fixed64 was given the string "0x1"/);
});

test("after a refusal the writer writes on", () => {
  const wrong = { ...Rich.fromPartial({}), nested: { ...Rich.fromPartial({}), text: 5 } };
  expect(() => writer.write(Rich, wrong as never, Buffer.alloc(100), 0, 0)).toThrow();
  const end = writer.write(Nest, { nest: undefined, value: 7 }, Buffer.alloc(100), 0, 0);
  expect(writer.slab.subarray(0, end).toString("hex")).toBe("1007");
});

test("integers in digits and 64-bit integers as numbers are written, as the stock writer does", () => {
  const ours = new SlabWriter()
    .int32("-5" as never)
    .uint32("300" as never)
    .int64(-7)
    .uint64("18446744073709551615");
  const stock = new BinaryWriter()
    .int32("-5" as never)
    .uint32("300" as never)
    .int64(-7)
    .uint64("18446744073709551615");
  expect(ours.finish()).toEqual(stock.finish());
});

test("text with half a surrogate pair is written as the stock writer does", () => {
  for (const text of ["a\ud800", "\udc00b", `${"x".repeat(50)}\ud83d`]) {
    expect(new SlabWriter().string(text).finish()).toEqual(new BinaryWriter().string(text).finish());
  }
});

test("by itself it does what a stock writer does", () => {
  const own = new SlabWriter();
  expect(own.tag(1, 2).fork().raw(Uint8Array.of(1, 2)).join().finish()).toEqual(Uint8Array.of(10, 2, 1, 2));
  expect(own.uint32(8).bool(true).finish()).toEqual(Uint8Array.of(8, 1));
  expect(() => own.join()).toThrow(/join without a fork/);
});

test("a message that is sent from a getter of another one is refused, and the other one is written", () => {
  let refusal: unknown;
  const tricky = {
    nest: undefined,
    get value() {
      try {
        writer.write(Nest, { nest: undefined, value: 1 }, Buffer.alloc(10), 0, 0);
      } catch (error) {
        refusal = error;
      }
      return 7;
    },
  };
  const end = writer.write(Nest, tricky, Buffer.alloc(10), 0, 0);
  expect(String(refusal)).toMatch(/while another was being encoded/);
  expect(writer.slab.subarray(0, end).toString("hex")).toBe("1007");
});

test("a codec of one's own, which knows nothing of writers and readers, is served", () => {
  const Json: MessageType<{ name: string }> = {
    $type: "test.Json",
    encode: (message) => ({ finish: () => Buffer.from(JSON.stringify(message)) }),
    decode: (input) => JSON.parse(new TextDecoder().decode(input)),
    fromPartial: (partial) => partial,
  };
  const end = writer.write(Json, { name: "you" }, Buffer.alloc(8), 3, 5);
  const reader = new FastReader();
  expect(reader.read(Json, writer.slab, writer.start + 5, end)).toEqual({ name: "you" });
  expect(reader.read(Nest, Uint8Array.of(0x10, 7), 0, 2).value).toBe(7);
  expect(() => reader.read(Json, Buffer.from("{"), 0, 1)).toThrow(SyntaxError);
});

test("nothing that was read refers to the buffer it came from", () => {
  const message = Rich.fromPartial({ data: new Uint8Array(100).fill(7), datas: [Uint8Array.of(1)], text: "text" });
  const end = writer.write(Rich, message, Buffer.alloc(1000), 0, 0);
  const decoded = new FastReader().read(Rich, writer.slab, 0, end);
  writer.slab.fill(0xff);
  expect(decoded).toEqual(message);
});
