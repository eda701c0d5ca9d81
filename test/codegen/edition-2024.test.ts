import { rmSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bufGenerate, type Generated } from "./buf.ts";
import { compiled, roundTrip } from "./checks.ts";
import { tsconfig, written } from "./written.ts";

const contract = `edition = "2024";
package edition.v2024;
import "edition/v2024/parts.proto";
import option "trunkline/v1/options.proto";
option features.enforce_naming_style = STYLE2024;
option features.default_symbol_visibility = EXPORT_TOP_LEVEL;
service Greeter {
  rpc SayHello(Hello) returns (Hello) {
    option idempotency_level = NO_SIDE_EFFECTS;
    option (trunkline.v1.method) = {timeout_ms: 5000};
  }
}
export message Hello {
  string name = 1;
  int32 count = 2 [features.field_presence = IMPLICIT];
  Kind kind = 3 [default = KIND_ONE];
  Inner inner = 4;
  repeated int64 numbers = 5 [features.repeated_field_encoding = EXPANDED];
  Part part = 6;
  Part.Size size = 7;
  local message Inner { int64 big = 1; }
}
local enum Kind { KIND_UNSPECIFIED = 0; KIND_ONE = 1; }`;

const parts = `edition = "2024";
package edition.v2024;
option features.enforce_naming_style = STYLE_LEGACY;
option features.default_symbol_visibility = EXPORT_ALL;
message Part {
  bytes SomeThing = 1;
  enum Size { option features.enum_type = CLOSED; small = 1; large = 2; }
}`;

let generated: Generated;
let folder: string;
beforeAll(() => {
  const protos = { "edition/v2024/edition.proto": contract, "edition/v2024/parts.proto": parts };
  generated = bufGenerate(protos, "messages=ts-proto");
  folder = written([...generated.files, tsconfig]);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

test("edition 2024 is generated, with what its options say and without a word but of the default", () => {
  expect(generated.exitCode).toBe(0);
  expect(generated.stderr).toMatch(
    /^protoc-gen-trunkline: warning: edition\/v2024\/edition.proto:16: .*\.kind: where .*\n$/,
  );
  expect(generated.files.get("edition/v2024/edition.rpc.ts")).toContain("{ timeoutMs: 5000 }");
});

test("its code compiles, and its messages arrive", () => {
  expect(compiled(folder)).toBe("");
  expect(roundTrip(folder)).toBe("1 services, 1 calls\n");
}, 120_000);
