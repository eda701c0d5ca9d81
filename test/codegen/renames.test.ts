import { rmSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installTypeScripts, type TypeScripts } from "../support/typescripts.ts";
import { type Answer, answer } from "./buf.ts";
import { compiled, roundTrip } from "./checks.ts";
import { cases, protosOf, renamedOf } from "./rename-cases.ts";
import { tsconfig, written } from "./written.ts";

let generated: Answer;
let folder: string;
let typeScripts: TypeScripts;

beforeAll(async () => {
  typeScripts = await installTypeScripts();
  generated = answer(Object.assign({}, ...cases.map(protosOf)), "messages=ts-proto");
  const uses = cases.map(({ name, use }) => [`${name}/use.ts`, use ?? "export {};"] as const);
  folder = written([...generated.files, ...uses, tsconfig]);
}, 240_000);

afterAll(() => {
  typeScripts.remove();
  rmSync(folder, { recursive: true });
});

test("nothing is refused", () => {
  expect(generated.error).toBe("");
});

test.each(cases.map((each) => [each.name, renamedOf(each)] as const))(
  "%s: each other name is told",
  (name, renamed) => {
    const told = generated.warnings.filter(
      (text) => text.startsWith(`${name}/`) && !text.includes(": its code is in "),
    );
    const listed = renamed.slice(0, 3).join(", ") + (renamed.length > 3 ? ` and ${renamed.length - 3} more` : "");
    const rest =
      "so called in code, where TypeScript or something else has the name; on the wire and in JSON they keep their own";
    expect(told.map((text) => text.replace(/^\S+: /, ""))).toEqual(renamed.length === 0 ? [] : [`${listed}: ${rest}`]);
  },
);

test("code that stands elsewhere than its file's name says is told", () => {
  const told = generated.warnings.filter((text) => text.includes(": its code is in "));
  expect(told.map((text) => text.replace(/, since .*/, ""))).toEqual([
    "files/acme.protos/x.desc.proto: its code is in files/acme.protos/x.desc$.ts",
    "files/acme.protos/x.rpc.proto: its code is in files/acme.protos/x.rpc$.ts",
    "files/acme.protos/x.proto: its code is in files/acme.protos/x$1.ts",
  ]);
});

test.each(["5.9", "newest"])(
  "TypeScript %s compiles all of it, and what uses it",
  (version) => expect(compiled(folder, typeScripts.compilers.get(version))).toBe(""),
  120_000,
);

test("each service is served, and its messages arrive and have the JSON of the contract", () => {
  expect(roundTrip(folder)).toMatch(/^\d+ services, \d+ calls\n$/);
}, 120_000);
