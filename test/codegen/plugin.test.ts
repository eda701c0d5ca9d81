import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { answer, bufGenerate, root } from "./buf.ts";

function plugin(args: readonly string[], input: string | Buffer = "") {
  return spawnSync(process.execPath, [join(root, "src/codegen/main.ts"), ...args], { input, encoding: "utf8" });
}

const protos = {
  "a/b/one.proto":
    'syntax = "proto3"; package a.b; import "a/two.proto"; service S { rpc Do(a.Two) returns (a.Two); rpc Own(One) returns (One); } message One {}',
  "a/two.proto": 'syntax = "proto3"; package a; message Two {}',
  "a/none.proto": 'syntax = "proto3"; package a; message None {}',
};

test("only files with services get a service file, and only these and what they import a descriptor", () => {
  const { files } = answer(protos);
  expect(new Set(files.keys())).toEqual(new Set(["a/b/one.desc.ts", "a/b/one.rpc.ts", "a/two.desc.ts"]));
});

test("what a comment says to buf is left out of the documentation", () => {
  const comment = "// Serves.\n// buf:lint:ignore SERVICE_SUFFIX\n// Well.\n";
  const { files } = answer({
    "s.proto": `syntax = "proto3"; package s;\n${comment}service S { rpc Do(M) returns (M); } message M {}`,
  });
  expect(files.get("s.rpc.ts")).toContain("/**\n * Serves.\n * Well.\n */\nexport const S");
});

test.each([
  [[], ".ts"],
  [["import_extension=.ts"], ".ts"],
  [["import_extension=.js"], ".js"],
  [["import_extension=none"], ""],
])("with the options %j imports end in %j", (opt, extension) => {
  const { files } = answer(protos, ...opt);
  const service = files.get("a/b/one.rpc.ts");
  for (const path of ["../two", "./one", "./one.desc"]) expect(service).toContain(` from "${path}${extension}";`);
  expect(files.get("a/b/one.desc.ts")).toContain(` from "../two.desc${extension}";`);
});

test.each([
  [
    "importSuffix=.js",
    'unknown option "importSuffix"; known are import_extension=.ts|.js|none and messages=none|ts-proto',
  ],
  ["import_extension=mjs", 'option import_extension="mjs": give .ts|.js|none'],
  ["import_extension", 'option import_extension="": give .ts|.js|none'],
  ["messages=yes", 'option messages="yes": give none|ts-proto'],
  ["import_extension=toString", 'option import_extension="toString": give .ts|.js|none'],
])("the option %s is refused", (opt, text) => {
  const { error, files } = answer(protos, opt);
  expect(error).toBe(text);
  expect(files.size).toBe(0);
});

test("messages=ts-proto generates the messages too, with all that they use and nothing else", () => {
  const dated = `syntax = "proto3"; package d; import "google/protobuf/timestamp.proto"; import "trunkline/v1/options.proto";
    message Dated { google.protobuf.Timestamp at = 1; }`;
  const { files } = answer({ ...protos, "d/dated.proto": dated }, "messages=ts-proto", "import_extension=.js");
  const messages = [...files.keys()].filter((path) => !/\.(rpc|desc)\.ts$/.test(path));
  expect(new Set(messages)).toEqual(
    new Set([
      "a/b/one.ts",
      "a/none.ts",
      "a/two.ts",
      "d/dated.ts",
      "google/protobuf/timestamp.ts",
      "trunkline/v1/options.ts",
    ]),
  );
  expect(files.get("d/dated.ts")).toContain('from "../google/protobuf/timestamp.js";');
});

test("what is wrong ends buf with an error, and what is doubtful is printed", () => {
  const wrong = bufGenerate(protos, "messages=yes");
  expect(wrong.exitCode).not.toBe(0);
  expect(wrong.stderr).toContain('option messages="yes": give none|ts-proto');
  const doubtful = `syntax = "proto2"; service S { rpc Do(M) returns (M); } message M { required int32 n = 1; }`;
  const warned = bufGenerate({ "a.proto": doubtful });
  expect(warned.exitCode).toBe(0);
  expect(warned.stderr).toContain("protoc-gen-trunkline: warning: a.proto:1: M.n: required");
});

test("--help says what it is and how it is run", () => {
  const { stdout, status } = plugin(["--help"]);
  expect(stdout).toContain("local: protoc-gen-trunkline");
  expect(status).toBe(0);
});

test("--version prints the version of the package", () => {
  expect(plugin(["--version"]).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("an unknown argument is named", () => {
  const { stderr, status } = plugin(["--out=gen"]);
  expect(stderr).toBe('protoc-gen-trunkline: unknown argument "--out=gen"; see --help\n');
  expect(status).toBe(1);
});

test.each([
  ["nothing", Buffer.alloc(0)],
  ["text", Buffer.from("syntax = 'proto3';")],
  ["bytes", Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07])],
])("%s on stdin is answered with how the plugin is run", (_, input) => {
  const { stdout, stderr, status } = plugin([], input);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^protoc-gen-trunkline: stdin holds no .*: buf or protoc run this plugin, see --help\n$/);
  expect(status).toBe(1);
});
