import { create, toBinary } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { type FromJsonOptions, fromJson, toJson } from "trunkline";
import { describe, expect, expectTypeOf, test } from "vitest";
import { HelloRequest } from "../../gen/greeter/v1/greeter.ts";
import { OldItem } from "../codegen/golden/edition/v1/proto2.ts";
import { Duration } from "../codegen/golden/google/protobuf/duration.ts";
import { Timestamp } from "../codegen/golden/google/protobuf/timestamp.ts";
import { Tag } from "../codegen/golden/shapes/v1/common.ts";
import { Everything, Everything_TagsByNameEntry } from "../codegen/golden/shapes/v1/shapes.ts";

const message = Everything.fromPartial({
  aDouble: Number.NaN,
  aFloat: -0,
  anInt32: -3,
  anInt64: -(2n ** 63n),
  aUint64: 2n ** 64n - 1n,
  aBool: true,
  aString: "grüße 👋",
  someBytes: new Uint8Array([0, 255, 62]),
  kind: 1,
  part: { index: 1, detail: { text: "deep" } },
  maybeString: "",
  manyInt64: [1n, -1n],
  manyTags: [{ key: "a", value: "b" }],
  tagsByName: { "a b": { key: "1" } },
  namesById: new Map([[2n ** 60n, "big"]]),
  kindsByFlag: new Map([[true, -1]]),
  choice: { $case: "chosenKind", value: 77 as 1 },
  time: { seconds: -1n, nanos: 999_000_000 },
  duration: { seconds: -3n, nanos: -500_000_000 },
  any: { typeUrl: "type.googleapis.com/shapes.v1.Tag", value: Tag.encode(Tag.fromPartial({ key: "k" })).finish() },
  object: { list: [1, "two", null], flag: false },
  value: null,
  wrappedString: "",
  wrappedInt64: 0n,
  again: { aString: "again" },
});

const json = {
  aDouble: "NaN",
  aFloat: -0,
  anInt32: -3,
  anInt64: "-9223372036854775808",
  aUint64: "18446744073709551615",
  aBool: true,
  aString: "grüße 👋",
  someBytes: "AP8+",
  kind: "KIND_GOOD",
  part: { index: 1, detail: { text: "deep" } },
  maybeString: "",
  manyInt64: ["1", "-1"],
  manyTags: [{ key: "a", value: "b" }],
  tagsByName: { "a b": { key: "1" } },
  namesById: { "1152921504606846976": "big" },
  kindsByFlag: { true: "KIND_NEGATIVE" },
  chosenKind: 77,
  time: "1969-12-31T23:59:59.999Z",
  duration: "-3.500s",
  any: { "@type": "type.googleapis.com/shapes.v1.Tag", key: "k" },
  object: { list: [1, "two", null], flag: false },
  value: null,
  wrappedString: "",
  wrappedInt64: "0",
  again: { aString: "again" },
};

test("a message of every kind of field is written by protobuf's rules, and read back the same", () => {
  const written = toJson(Everything, message);
  expect(written).toEqual(json);
  expect(JSON.parse(JSON.stringify(written))).toEqual({ ...json, aFloat: 0 });
  const read = fromJson(Everything, written);
  expectTypeOf(read).toEqualTypeOf<Everything>();
  expect(read).toEqual(message);
});

test("a part of a message is enough, and defaults are written where they are asked for", () => {
  expect(toJson(Tag, { key: "a" })).toEqual({ key: "a" });
  expect(toJson(Tag, { key: "a" }, { alwaysEmitImplicit: true })).toEqual({ key: "a", value: "" });
  expect(toJson(Everything, { anInt64: 5, anInt32: 0 })).toEqual({ anInt64: "5" });
  expect(toJson(HelloRequest, {})).toEqual({});
});

test("a message of proto2 keeps what is set to its default", () => {
  const item = OldItem.fromPartial({});
  expect(fromJson(OldItem, toJson(OldItem, item))).toEqual(item);
});

test("what proto2 requires and JSON has not is named by its path", () => {
  const { INT32, MESSAGE } = FieldDescriptorProto_Type;
  const { REPEATED, REQUIRED } = FieldDescriptorProto_Label;
  const field = [
    { name: "id", number: 1, type: INT32, label: REQUIRED },
    { name: "more", number: 2, type: MESSAGE, typeName: ".Item", label: REPEATED },
  ];
  const proto = create(FileDescriptorProtoSchema, { name: "item.proto", messageType: [{ name: "Item", field }] });
  const base64 = Buffer.from(toBinary(FileDescriptorProtoSchema, proto)).toString("base64");
  const item = { ...HelloRequest, $type: "Item", $file: { name: "item.proto", base64, dependencies: [] } };
  expect(() => fromJson(item, {})).toThrow(
    new TypeError("cannot encode field Item.id to binary: required field not set"),
  );
  expect(() => fromJson(item, { id: 1, more: [{ id: 2 }, {}] })).toThrow(/^more\[1\]: .*required field not set/);
});

test("protobuf's own messages have their own JSON", () => {
  expect(toJson(Timestamp, { seconds: 5n })).toBe("1970-01-01T00:00:05Z");
  expect(toJson(Duration, { nanos: 1 })).toBe("0.000000001s");
  expect(fromJson(Timestamp, "1970-01-01T01:00:05+01:00")).toEqual({ seconds: 5n, nanos: 0 });
});

test("fields are read by both of their names, numbers as text, and unset by null", () => {
  expect(fromJson(Everything, { an_int64: 5, aUint32: "6", a_string: null, kind: 1 })).toEqual(
    Everything.fromPartial({ anInt64: 5n, aUint32: 6, kind: 1 }),
  );
});

test("fields that the message has not are an error, or passed over where that is asked for", () => {
  const unknown = { name: "you", age: 5 };
  expect(() => fromJson(HelloRequest, unknown)).toThrow(/^age: .*"age" is unknown/);
  const options: FromJsonOptions = { ignoreUnknownFields: true };
  expect(fromJson(HelloRequest, unknown, options)).toEqual({ name: "you" });
});

test("an Any holds a type of another file where it is given", () => {
  const typeUrl = "type.googleapis.com/greeter.v1.HelloRequest";
  const any = { typeUrl, value: HelloRequest.encode({ name: "you" }).finish() };
  const types = [HelloRequest];
  expect(() => toJson(Everything, { any })).toThrow(/^any: .*greeter\.v1\.HelloRequest/);
  const written = toJson(Everything, { any }, { types });
  expect(written).toEqual({ any: { "@type": typeUrl, name: "you" } });
  expect(fromJson(Everything, written, { types }).any).toEqual(any);
  expect(() => fromJson(Everything, written)).toThrow(/^any: .*not in the type registry/);
  expect(toJson(Everything, { again: { any } }, { types })).toEqual({ again: written });
});

describe("what does not fit is named by its path", () => {
  test.each([
    ["anInt32", { anInt32: "many" }],
    ["anInt64", { again: {}, anInt64: 1.5 }],
    ["again.again.aBool", { again: { again: { aString: "a", aBool: "yes" }, aString: "b" } }],
    ["manyTags[1].key", { manyTags: [{ key: "a" }, { key: 5 }] }],
    ["manyInt64[2]", { manyInt64: [1, "2", {}] }],
    ["manyTags[0]", { manyTags: [null] }],
    ["manyTags", { manyTags: { key: "a" } }],
    ['tagsByName["a b"].value', { tagsByName: { a: {}, "a b": { value: false } } }],
    ["time", { time: "yesterday", aString: "a" }],
    ["duration", { duration: 5 }],
    ["kind", { kind: "KIND_OF" }],
    ["someBytes", { someBytes: 7 }],
    ["text", { chosenKind: 1, text: "a" }],
    ["again.nothing.x", { again: { nothing: { x: 1 } } }],
    ["any", { any: { "@type": "type.googleapis.com/shapes.v1.Tag", key: 5, value: "a" } }],
    [
      "any.part.index",
      { any: { "@type": "type.googleapis.com/shapes.v1.Everything", part: { index: "a" }, aBool: true } },
    ],
    ["again", { again: "a" }],
  ])("%s", (path, wrong) => {
    const frozen = Object.freeze(wrong);
    expect(() => fromJson(Everything, frozen)).toThrow(TypeError);
    expect(() => fromJson(Everything, frozen)).toThrow(
      new RegExp(`^${path.replace(/[.[\]]/g, "\\$&")}: cannot decode`),
    );
  });

  test.each([
    ["time", { time: { seconds: 2n ** 40n } }],
    ["again.duration", { again: { duration: { seconds: 2n ** 60n } } }],
    ["again.anInt64", { again: { anInt64: 2n ** 70n } }],
    ["manyInt64[1]", { manyInt64: [1n, 2n ** 70n] }],
    ["anInt32", { aString: "a", anInt32: 1.5 }],
  ])("of a message: %s", (path, wrong) => {
    expect(() => toJson(Everything, wrong as object)).toThrow(new RegExp(`^${path.replace(/[.[\]]/g, "\\$&")}: `));
  });
});

test.each([[undefined], [null], ["text"], [5]])("%s is no message, and no JSON of one", (wrong) => {
  expect(() => toJson(Tag, wrong as never)).toThrow(/^shapes.v1.Tag is a message, not /);
  expect(() => fromJson(Tag, wrong)).toThrow(/^cannot decode message shapes.v1.Tag from JSON/);
});

test("JSON as text is to be parsed first", () => {
  const why = "shapes.v1.Tag is given as text: give what JSON.parse makes of it";
  expect(() => fromJson(Tag, '{"key":"a"}')).toThrow(new TypeError(why));
});

test("a type without a descriptor says what to do", () => {
  const { $file: _, ...bare } = HelloRequest;
  expect(() => toJson(bare, {})).toThrow(/generate it with messages=ts-proto of protoc-gen-trunkline/);
  expect(() => toJson(Everything_TagsByNameEntry, {})).toThrow(/has no JSON form of its own/);
});

test("what is nested too deep, or is large and wrong at its end, is an error and soon", () => {
  let deep: object = {};
  for (let i = 0; i < 10_000; i++) deep = { again: deep };
  expect(() => fromJson(Everything, deep)).toThrow(/recursion depth/);
  expect(() => toJson(Everything, deep)).toThrow(TypeError);
  let list: unknown = 1;
  for (let i = 0; i < 60; i++) list = [list];
  expect(() => fromJson(Everything, { value: list })).toThrow(
    new TypeError("shapes.v1.Everything holds messages that are nested more than 100 deep"),
  );
  let over: object = {};
  for (let i = 0; i < 101; i++) over = { again: over };
  expect(() => toJson(Everything, over)).toThrow(
    new TypeError("shapes.v1.Everything holds messages that are nested more than 100 deep"),
  );
  const startedMs = performance.now();
  const names = Object.fromEntries(Array.from({ length: 6_000 }, (_, i) => [i, "a"]));
  expect(() => fromJson(Everything, { namesById: { ...names, x: "a" } })).toThrow(/^namesById\.x: /);
  expect(() => fromJson(Everything, { namesById: { ...names, "5000": 5 } })).toThrow(/^namesById\["5000"\]: /);
  expect(performance.now() - startedMs).toBeLessThan(15_000);
  const many = Array.from({ length: 100_000 }, () => ({ key: "a" }));
  expect(() => fromJson(Everything, { manyTags: [...many, { key: 1 }] })).toThrow(/^manyTags\[100000\]\.key: /);
});
