import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Answer, answer, root } from "./buf.ts";
import { cases, protosOf, renamedOf } from "./rename-cases.ts";
import { tsconfig, written } from "./written.ts";

let generated: Answer;
let folder: string;

beforeAll(() => {
  generated = answer(Object.assign({}, ...cases.map(protosOf)), "messages=ts-proto");
  const uses = cases.map(({ name, use }) => [`${name}/use.ts`, use ?? "export {};"] as const);
  folder = written([...generated.files, ...uses, tsconfig]);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true }));

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

test("TypeScript compiles all of it, and what uses it", () => {
  const tsc = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], { encoding: "utf8" });
  expect(tsc.stdout).toBe("");
  expect(tsc.status).toBe(0);
}, 120_000);

test("each service is served, and its messages arrive and have the JSON of the contract", () => {
  const args = ["--conditions=@trunkline/source", fileURLToPath(new URL("round-trip.ts", import.meta.url)), folder];
  const run = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect(run.stderr).toBe("");
  expect(run.stdout).toMatch(/^\d+ services, \d+ calls\n$/);
}, 120_000);
