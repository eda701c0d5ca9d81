import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  create,
  createFileRegistry,
  type DescEnum,
  type DescField,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  type Message,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { FileDescriptor } from "trunkline/contract";
import { beforeAll, describe, expect, test } from "vitest";
import type { MessageType } from "../../src/core/message.ts";
import { answer, root } from "./buf.ts";

/** All that a message may hold and that is neither refused nor warned of as lost, in words of both kinds of file. */
const fields = (optional: string, required: string) => `
  ${optional} double d = 1 [default = inf];
  ${optional} float f = 2 [default = -inf];
  ${optional} int64 i = 3 [default = -5];
  ${optional} uint64 u = 4;
  ${optional} bool b = 5 [default = true];
  ${optional} string s = 6 [default = "x\\"y"];
  ${optional} bytes y = 7 [default = "\\001"];
  ${optional} Closed e = 8 [default = THREE];
  ${optional} Closed plain_e = 9;
  ${optional} sint32 z = 10;
  ${optional} fixed64 x = 11;
  ${required}
  repeated Closed closed = 15;
  map<string, Closed> by_name = 16;
  map<int64, bytes> by_number = 17;
  map<bool, All> by_truth = 18;
  oneof choice { int32 one = 19; All two = 20; string three = 21; Closed four = 22; }
  ${optional} All all = 23;
  repeated All alls = 24;`;

const protos = {
  "p2/p2.proto": `syntax = "proto2"; package p2; service S { rpc Do(All) returns (All); }
    enum Closed { TWO = 2; THREE = 3; MINUS = -1; }
    message All { ${fields("optional", "required uint32 needed = 12; repeated int32 loose = 13; repeated int32 tight = 14 [packed = true];")}
      message Nested { optional int32 n = 1 [default = 3]; } optional Nested nested = 25; }`,
  "e3/e3.proto": `edition = "2023"; package e3; service S { rpc Do(All) returns (All); }
    enum Closed { option features.enum_type = CLOSED; TWO = 2; THREE = 3; MINUS = -1; }
    enum Open { ZERO = 0; ONE = 1; }
    message All { ${fields(
      "",
      `uint32 needed = 12 [features.field_presence = LEGACY_REQUIRED]; repeated int32 tight = 13;
       repeated int32 loose = 14 [features.repeated_field_encoding = EXPANDED];`,
    )}
      Open open = 25; int32 implicit = 26 [features.field_presence = IMPLICIT]; Open bare = 27 [features.field_presence = IMPLICIT]; }`,
  "p3/p3.proto": `syntax = "proto3"; package p3; service S { rpc Do(All) returns (All); }
    enum Open { ZERO = 0; ONE = 1; MINUS = -1; }
    message All {
      double d = 1; float f = 2; int64 i = 3; uint64 u = 4; bool b = 5; string s = 6; bytes y = 7; Open e = 8;
      optional double od = 9; optional string os = 10; optional bytes oy = 11; optional Open oe = 12;
      repeated double ds = 13; repeated Open es = 14 [packed = false]; map<string, Open> by_name = 15;
      map<int32, double> by_number = 16; oneof choice { int32 one = 17; All two = 18; float three = 19; }
      All all = 20; repeated All alls = 21; }`,
};

type Module = Record<string, MessageType<unknown>>;

const generated = new Map<string, { readonly registry: FileRegistry; readonly module: Module }>();

beforeAll(async () => {
  const { error, files } = answer(protos, "messages=ts-proto");
  expect(error).toBe("");
  // Inside the repository, so that what is generated finds its packages.
  mkdirSync(join(root, ".trunkline"), { recursive: true });
  const folder = mkdtempSync(join(root, ".trunkline", "presence-"));
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  for (const name of ["p2", "e3", "p3"]) {
    const { file } = (await import(join(folder, `${name}/${name}.desc.ts`))) as { file: FileDescriptor };
    const proto = fromBinary(FileDescriptorProtoSchema, Buffer.from(file.base64, "base64"));
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [proto] }));
    generated.set(name, { registry, module: (await import(join(folder, `${name}/${name}.ts`))) as Module });
  }
  rmSync(folder, { recursive: true });
});

describe.each(["p2", "e3", "p3"])("%s", (name) => {
  test("what protobuf-es encodes is decoded and encoded to the same message, set or unset, to its default or not", () => {
    const { registry, module } = generated.get(name) as { registry: FileRegistry; module: Module };
    const schema = registry.getMessage(`${name}.All`) as DescMessage;
    const type = module.All as MessageType<unknown>;
    const random = seeded(20_260_101);
    for (let round = 0; round < 400; round++) {
      const bytes = toBinary(schema, randomMessage(schema, random, 3));
      const decoded = type.decode(bytes);
      const back = type.encode(decoded as never).finish();
      expect(canonical(schema, back), `round ${round}`).toBe(canonical(schema, bytes));
      const again = type.encode(type.fromPartial(decoded as never) as never).finish();
      expect(canonical(schema, again), `round ${round}`).toBe(canonical(schema, bytes));
    }
  });
});

test.each(["p2", "e3"])("%s: unset is undefined, and set to zero or to its default is sent", (name) => {
  const type = generated.get(name)?.module.All as MessageType<Record<string, unknown>>;
  const unset = type.decode(new Uint8Array());
  const set = { d: Infinity, f: 0, i: 0n, u: 0n, b: false, s: "", y: new Uint8Array(), e: 3, plainE: 2, z: 0, x: 0n };
  for (const field of [...Object.keys(set), "needed"]) expect(unset[field], field).toBeUndefined();
  const sent = type.decode(type.encode(type.fromPartial({ ...set, needed: 0 } as never)).finish());
  expect(sent).toMatchObject({ ...set, needed: 0 });
});

/** By the bytes of protobuf-es, in the order of the fields, so that NaN is itself and order is no matter. */
function canonical(schema: DescMessage, bytes: Uint8Array): string {
  return Buffer.from(toBinary(schema, fromBinary(schema, bytes), { writeUnknownFields: true })).toString("hex");
}

type Random = (below: number) => number;

/** mulberry32 */
function seeded(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function randomMessage(schema: DescMessage, random: Random, depth: number): Message {
  const message = reflect(schema);
  for (const field of schema.fields) {
    const isRequired = field.name === "needed";
    if (!isRequired && random(2) === 0) continue;
    if (field.message !== undefined && depth === 0) continue;
    if (field.fieldKind === "list") {
      for (let n = random(3); n > 0; n--) message.get(field).add(item(field));
    } else if (field.fieldKind === "map") {
      for (let n = random(3); n > 0; n--)
        message.get(field).set(randomScalar(field.mapKey, random) as string, item(field));
    } else {
      message.set(field, item(field));
    }
  }
  return message.message;

  function item(field: DescField): unknown {
    if (field.message !== undefined)
      return reflect(field.message, randomMessage(field.message, random, depth - 1)) satisfies ReflectMessage;
    if (field.enum !== undefined) return randomValue(field.enum, random);
    return randomScalar(field.scalar as ScalarType, random);
  }
}

function randomValue({ values }: DescEnum, random: Random): number {
  return values[random(values.length)]?.number ?? 0;
}

function randomScalar(type: ScalarType, random: Random): unknown {
  const pick = <T>(...values: readonly T[]): T => values[random(values.length)] as T;
  switch (type) {
    case ScalarType.STRING:
      return pick("", 'x"y', "grüße", "a");
    case ScalarType.BYTES:
      return pick(new Uint8Array(), Uint8Array.of(1), Uint8Array.of(0, 255));
    case ScalarType.BOOL:
      return pick(true, false);
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return pick(0, 1.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, -0);
    case ScalarType.INT64:
      return pick(0n, -5n, -(2n ** 63n), 7n);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return pick(0n, 2n ** 64n - 1n);
    case ScalarType.UINT32:
      return pick(0, 2 ** 32 - 1);
    default:
      return pick(0, -1, 5, -(2 ** 31));
  }
}
