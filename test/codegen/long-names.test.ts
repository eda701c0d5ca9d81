import { expect, test } from "vitest";
import { answer } from "./buf.ts";

/** Every kind of field whose code is not as ts-proto makes it, in a message and of fields of that name. */
function contract(type: string, field: string): string {
  return `syntax = "proto3";
package ${type};
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/wrappers.proto";
service S { rpc Get(${type}) returns (${type}); }
message ${type} {
  double ${field}_a = 1; repeated float ${field}_b = 2; map<string, ${type}> ${field}_c = 3; float ${field}_z = 25;
  map<string, string> ${field}_d = 4; map<int64, bytes> ${field}_e = 5; optional bytes ${field}_f = 6;
  repeated bytes ${field}_g = 7; optional int64 ${field}_h = 8; repeated sint64 ${field}_i = 9; bytes ${field}_bytes = 26;
  oneof ${field}_j {
    string ${field}_k = 10; bytes ${field}_l = 11; int64 ${field}_m = 12; ${type} ${field}_n = 13; double ${field}_o = 14;
    google.protobuf.FieldMask ${field}_p = 15; google.protobuf.Value ${field}_q = 16; ${type}E ${field}_r = 17;
    google.protobuf.Int64Value ${field}_s = 18; google.protobuf.ListValue ${field}_t = 19;
  }
  repeated ${type}E ${field}_u = 20; map<bool, ${type}E> ${field}_v = 21; google.protobuf.Struct ${field}_w = 22;
  google.protobuf.BytesValue ${field}_x = 23; repeated google.protobuf.Struct ${field}_y = 24;
}
message ${type}P { bytes ${field}_a = 1; ${type} ${field}_b = 2; }
enum ${type}E { NONE = 0; }`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** What is generated, with `Name` for the type's name and `f` for that of its fields, without what a formatter puts. */
function generated(type: string, field: string): string[][] {
  const { error, files } = answer({ "a.proto": contract(type, field) }, "messages=ts-proto");
  expect(error).toBe("");
  return [...files]
    .filter(([path]) => path.startsWith("a.") && !path.endsWith(".desc.ts"))
    .map(([, text]) =>
      text
        .replaceAll(type, "Name")
        .replaceAll(field, "f")
        .replaceAll(capital(field), "F")
        .replace(/\s+/g, "")
        .replace(/[,;](?=[)\]}>])|(?<=[:=])\|/g, "")
        .split(/(?<=[;{}])/),
    );
}

test.each([30, 60, 130])(
  "a type and fields with names of %i letters have the code of those with short ones",
  (length) => {
    const long = generated(`N${"a".repeat(length)}`, `f${"b".repeat(length)}`);
    expect(long).toEqual(generated("Name", "f"));
  },
);
