import { rmSync } from "node:fs";
import { join } from "node:path";
import type { MessageType } from "trunkline/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FastReader } from "../../src/transport/codec/fast-reader.ts";
import { type Answer, answer } from "./buf.ts";
import { compiled, roundTrip } from "./checks.ts";
import { tsconfig, written } from "./written.ts";

const long = "a".repeat(100);

const protos = {
  "groups/proto2.proto": `syntax = "proto2";
package groups.proto2;
service Groups { rpc Get(Outer) returns (Outer); rpc All(stream Other) returns (stream Other.Two); }
message Outer {
  optional group One = 1 { optional int64 n = 1; optional group Inner = 2 { optional bytes b = 1; optional Outer up = 2; } }
  repeated group Many = 2000000 { repeated string texts = 16; map<string, Outer> by_name = 536870911; }
  optional string behind = 3;
}
message Other {
  optional group Two = 15 { repeated sint32 n = 1 [packed = true]; }
  oneof choice { group Three = 16 { optional string s = 1; } Other four = 17; double five = 18; }
  optional group ${long.toUpperCase()} = 20 { optional string ${long} = 1; }
}
message Set { option message_set_wire_format = true; extensions 4 to max; }
message Holder { optional Set set = 1; optional int32 n = 2; }`,
  "groups/edition.proto": `edition = "2023";
package groups.edition;
option features.message_encoding = DELIMITED;
service Groups { rpc Get(Outer) returns (Outer); }
message Outer {
  Part one = 1; repeated Part many = 2; map<int32, Part> by_id = 3; Part plain = 4 [features.message_encoding = LENGTH_PREFIXED];
  oneof choice { Part two = 5; Outer outer = 6; }
}
message Part { string text = 1; Outer outer = 2; }`,
};

let generated: Answer;
let folder: string;
beforeAll(() => {
  generated = answer(protos, "messages=ts-proto");
  folder = written([...generated.files, tsconfig]);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

test("groups, delimited messages and MessageSets are generated, and told of where something is lost", () => {
  expect(generated.error).toBe("");
  expect(generated.warnings).toEqual([expect.stringMatching(/groups\.proto2\.Set: extensions of them are dropped/)]);
});

test("their code compiles, and groups arrive as protobuf-es has them", () => {
  expect(compiled(folder)).toBe("");
  expect(roundTrip(folder)).toMatch(/^2 services, \d+ calls\n$/);
}, 120_000);

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));

async function typeOf(file: string, name: string): Promise<MessageType<any>> {
  return (await import(join(folder, file)))[name];
}

/** As a server reads it, and as its own code does by itself. */
async function reading(file: string, name: string): Promise<((bytes: Uint8Array) => unknown)[]> {
  const type = await typeOf(file, name);
  const reader = new FastReader();
  return [(bytes) => reader.read(type, bytes, 0, bytes.length), (bytes) => type.decode(bytes)];
}

test("a group ends with its own tag, however that is written, and what stands behind is read", async () => {
  for (const read of await reading("groups/proto2.ts", "Outer")) {
    for (const end of ["0c", "8c 00"]) {
      const message = read(bytesOf(`0b 08 01 13 0a 01 07 14 ${end} 1a 01 61`));
      expect(message).toMatchObject({ one: { n: 1n, inner: { b: Uint8Array.of(7) } }, behind: "a" });
    }
  }
});

test.each([
  ["never ends", "0b 08 01"],
  ["ends with the tag of another", "0b 08 01 14"],
  ["ends within a field", "0b 08"],
  ["holds another that never ends", "0b 13 0a 01 07 0c"],
  ["holds the field number 0", "0b 00 0c"],
  ["runs over the end of what it stands in", "0b 13 12 03 0b 08 01 14 0c"],
])("a group that %s is refused", async (_, hex) => {
  const [asServer] = await reading("groups/proto2.ts", "Outer");
  expect(() => asServer?.(bytesOf(hex))).toThrow();
});

test("groups in groups cost no more than what is sent is allowed to", async () => {
  const [read] = await reading("groups/edition.ts", "Outer");
  const nested = (levels: number, inner: Buffer) =>
    Buffer.concat([Buffer.alloc(levels, 0x33), inner, Buffer.alloc(levels, 0x34)]);
  expect(() => read?.(nested(99, Buffer.alloc(0)))).not.toThrow();
  expect(() => read?.(nested(100, Buffer.alloc(0)))).toThrow(/deeper than 100 levels/);
  const unknown = Buffer.alloc(2_000_000, Buffer.of(0x78, 1));
  expect(() => read?.(nested(3, unknown))).not.toThrow();
  expect(() => read?.(nested(90, unknown))).toThrow(/once it is decoded/);
}, 120_000);

test("a MessageSet is read as a message of no fields", async () => {
  for (const read of await reading("groups/proto2.ts", "Holder")) {
    expect(read(bytesOf("0a 08 0b 10 05 1a 02 08 01 0c 10 07"))).toEqual({ set: {}, n: 7 });
  }
});
