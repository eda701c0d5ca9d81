import { readFileSync } from "node:fs";
import { createFileRegistry, type DescMessage, fromBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import type { MessageType } from "../../../src/core/message.ts";
import { wholeOf } from "../../../src/core/whole.ts";
import { FastReader } from "../../../src/transport/codec/fast-reader.ts";
import { SlabWriter } from "../../../src/transport/codec/slab-writer.ts";
import { Rich, Tricky } from "./golden/rich.ts";

const descriptors = readFileSync(new URL("./golden/rich.binpb", import.meta.url));
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
const reader = new FastReader();
const nothing = {};

/** Sends what a user gives for a message, and returns what comes out: here, and as protobuf-es understands it. */
function send<T>(type: MessageType<T>, given: object): { got: T; json: Record<string, unknown> } {
  const writer = new SlabWriter();
  const end = writer.write(type, wholeOf(type)(given) as T, Buffer.alloc(0), 0, 0);
  const bytes = new Uint8Array(writer.slab.subarray(0, end));
  const schema = registry.getMessage(type.$type) as DescMessage;
  const json = toJson(schema, fromBinary(schema, bytes), { registry }) as Record<string, unknown>;
  return { got: reader.read(type, bytes, 0, end), json };
}

test('a key "__proto__" is an entry like any other', () => {
  const own = <T>(value: T): { [key: string]: T } => Object.fromEntries([["__proto__", value]]);
  const { got, json } = send(Rich, { textsByText: own("x"), struct: own({ polluted: true }) });
  for (const map of [got.textsByText, got.struct as object]) {
    expect(Object.getPrototypeOf(map)).toBe(Object.prototype);
    expect(Object.keys(map)).toEqual(["__proto__"]);
  }
  expect(got.textsByText).toEqual(own("x"));
  expect(JSON.stringify(got.textsByText)).toBe('{"__proto__":"x"}');
  expect(JSON.stringify(got.struct)).toBe('{"__proto__":{"polluted":true}}');
  expect(Object.entries(json.textsByText as object)).toEqual([["__proto__", "x"]]);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();

  const tricky = send(Tricky, { hasOwnProperty$: own({ Proto: "deep" }), values: own([null]) }).got;
  expect(Object.entries(tricky.hasOwnProperty$).map(([key, { Proto }]) => [key, Proto])).toEqual([
    ["__proto__", "deep"],
  ]);
  expect(Object.entries(tricky.values)).toEqual([["__proto__", [null]]]);
});

test("-0 is sent, alone, in a map and in a wrapper", () => {
  const name = "doublesOfANameSoLongThatAFormatterBreaksTheLineThatItStandsIn";
  const { float, double } = send(Rich, { float: -0, double: -0 }).got;
  expect([float, double]).toEqual([-0, -0]);
  const tricky = send(Tricky, { [name]: { zero: -0 }, maybeDouble: -0 }).got;
  expect(tricky[name]).toEqual({ zero: -0 });
  expect(tricky.maybeDouble).toBe(-0);
  expect(Rich.encode(Rich.fromPartial({ float: 0, double: 0 })).finish()).toHaveLength(0);
});

const cases: readonly (readonly [name: string, value: unknown, json: unknown])[] = [
  ["value", null, null],
  ["stringValue", "", ""],
  ["int64Value", 0n, "0"],
  ["boolValue", false, false],
  ["bytesValue", new Uint8Array(0), ""],
  ["struct", {}, {}],
  ["list", [], []],
  ["timestamp", { seconds: 0n, nanos: 0 }, "1970-01-01T00:00:00Z"],
  ["isPrototypeOf", Tricky.fromPartial(nothing), {}],
  ["colorOfANameSoLongThatAFormatterBreaksTheLineThatItStandsIn", 0, "COLOR_UNSPECIFIED"],
  ["sfixed64", 0n, "0"],
  ["float", 0, 0],
];

test.each(cases)("a oneof that says %s and no value sends the case with its default", (name, value, inJson) => {
  for (const choice of [{ $case: name }, { $case: name, value: undefined }, { $case: name, value }]) {
    const { got, json } = send(Tricky, { DefineGetter: choice });
    expect(got.DefineGetter).toEqual({ $case: name, value });
    expect(json).toEqual({ [name]: inJson });
  }
});

test("a field that is called as a property of every object may be left out", () => {
  const { got, json } = send(Tricky, {});
  expect(got).toEqual(Tricky.fromPartial(nothing));
  expect(json).toEqual({});
  expect(got.constructor$).toBe("");
  expect(got.toString$).toBeUndefined();
  const full = { Proto: "p", constructor$: "c", toString$: {}, valueOf$: ["v"], hasOwnProperty$: { k: {} } };
  expect(send(Tricky, full).json).toEqual({
    Proto: "p",
    constructor: "c",
    toString: {},
    valueOf: ["v"],
    hasOwnProperty: { k: {} },
  });
});
