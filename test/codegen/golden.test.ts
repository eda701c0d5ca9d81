import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { answer, bufGenerate, type Generated, readTree, root } from "./buf.ts";

// To accept a change: UPDATE_GOLDEN=1 vitest run test/codegen/golden.test.ts

const golden = join(root, "test/codegen/golden");
let generated: Generated;

beforeAll(() => {
  generated = bufGenerate(join(root, "test/codegen/protos"), "messages=ts-proto");
  if (process.env.UPDATE_GOLDEN === undefined || generated.exitCode !== 0) return;
  rmSync(golden, { recursive: true, force: true });
  for (const [path, text] of generated.files) {
    mkdirSync(dirname(join(golden, path)), { recursive: true });
    writeFileSync(join(golden, path), text);
  }
});

test("what is generated is what is checked in", () => {
  // What a field of proto2 loses, and which names are others in code.
  expect(generated.stderr).toBe(
    "protoc-gen-trunkline: warning: edition/v1/proto2.proto:11: edition.v1.OldItem.number: where they are unset they are " +
      "undefined, not what [default] says: fill it in where you read them\n" +
      "protoc-gen-trunkline: warning: names/v1/names.proto:53: names.v1.Array is Array$, names.v1.Names.Constructor is " +
      "constructor$, names.v1.Names.ToString is toString$ and 6 more: so called in code, where TypeScript or something " +
      "else has the name; on the wire and in JSON they keep their own\n",
  );
  expect(generated.exitCode).toBe(0);
  expect(Object.fromEntries(generated.files)).toEqual(Object.fromEntries(readTree(golden)));
});

test("generated code passes the strictest TypeScript, and each file's types stand without the others'", () => {
  const tsc = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", join(root, "test/codegen/tsconfig.json")], {
    encoding: "utf8",
  });
  expect(tsc.stdout).toBe("");
  expect(tsc.status).toBe(0);
});

test("generated code runs unbuilt", () => {
  const files = [...generated.files.keys()].filter((path) => path.endsWith(".rpc.ts"));
  const code = files.map((path) => `await import(${JSON.stringify(join(golden, path))});`).join("\n");
  const args = ["--conditions=@trunkline/source", "--input-type=module", "--eval", code];
  const node = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  expect(node.stderr).toBe("");
  expect(node.status).toBe(0);
  expect(files.length).toBeGreaterThan(5);
});

test("the same contract generates the same files, whoever asks", () => {
  const again = answer(join(root, "test/codegen/protos"), "messages=ts-proto");
  expect(Object.fromEntries(again.files)).toEqual(Object.fromEntries(generated.files));
});
