import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  CodeGeneratorRequestSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { answerTo, root } from "./buf.ts";
import { written } from "./written.ts";

// Descriptors as no compiler makes them: a plugin takes what it is sent, and some are sent by servers or kept in images.

type File = MessageInitShape<typeof FileDescriptorProtoSchema>;

const label = FieldDescriptorProto_Label.OPTIONAL;
const field = (init: MessageInitShape<typeof FieldDescriptorProtoSchema>) => create(FieldDescriptorProtoSchema, init);
const { STRING, INT32, INT64, DOUBLE, BOOL, ENUM, BYTES } = FieldDescriptorProto_Type;

/** Each of these sets `pwned` where it gets out of what it stands in. */
const code = [
  '";globalThis.pwned=1;"',
  "';globalThis.pwned=1;'",
  "`;globalThis.pwned=1;`",
  "$" + "{globalThis.pwned=1}",
  "*/globalThis.pwned=1;/*",
  "**/globalThis.pwned=1;/**",
  "\nglobalThis.pwned=1;//",
  "\r\nglobalThis.pwned=1;//",
  "\u2028globalThis.pwned=1;//",
  "\u2029globalThis.pwned=1;//",
  '\\";globalThis.pwned=1;//',
  "\\",
  "\u202e\u0000\u001b[2J",
];
const noIdentifiers = ["", "a b", "a-b", "1a", "é", "a.b", "a:number=globalThis.pwned=1;b", "[globalThis.pwned=1]"];

/** A file with everything that has a name, each of them good; `comment` stands at every place. */
function goodFile(): File {
  return {
    name: "good/v1/good.proto",
    package: "good.v1",
    syntax: "proto2",
    messageType: [
      {
        name: "M",
        field: [
          { name: "text", number: 1, label, type: STRING, jsonName: "text" },
          { name: "number", number: 2, label, type: INT32, defaultValue: "7" },
          { name: "kind", number: 3, label, type: ENUM, typeName: ".good.v1.M.E", defaultValue: "ONE" },
          { name: "choice", number: 4, label, type: STRING, oneofIndex: 0 },
          { name: "truth", number: 5, label, type: BOOL, defaultValue: "true" },
          { name: "ratio", number: 6, label, type: DOUBLE, defaultValue: "-1.5e+10" },
          { name: "big", number: 7, label, type: INT64, defaultValue: "-9" },
          { name: "raw", number: 8, label, type: BYTES, defaultValue: "\\001" },
        ],
        oneofDecl: [{ name: "either" }],
        enumType: [{ name: "E", value: [{ name: "ZERO" }, { name: "ONE", number: 1 }] }],
      },
    ],
    service: [{ name: "S", method: [{ name: "Do", inputType: ".good.v1.M", outputType: ".good.v1.M" }] }],
  };
}

function request(file: File, parameter = "") {
  const proto = create(FileDescriptorProtoSchema, file);
  return create(CodeGeneratorRequestSchema, { fileToGenerate: [proto.name], protoFile: [proto], parameter });
}

type Path = readonly (string | number)[];

/** The file with one text in another's place. */
function withText(path: Path, text: string): File {
  const file = goodFile();
  let at = file as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as typeof at;
  at[path.at(-1) as string] = text;
  return file;
}

const names: readonly Path[] = [
  ["package"],
  ["messageType", 0, "name"],
  ["messageType", 0, "field", 0, "name"],
  ["messageType", 0, "oneofDecl", 0, "name"],
  ["messageType", 0, "enumType", 0, "name"],
  ["messageType", 0, "enumType", 0, "value", 0, "name"],
  ["service", 0, "name"],
  ["service", 0, "method", 0, "name"],
  ["messageType", 0, "field", 1, "defaultValue"],
  ["messageType", 0, "field", 2, "defaultValue"],
  ["messageType", 0, "field", 4, "defaultValue"],
  ["messageType", 0, "field", 5, "defaultValue"],
  ["messageType", 0, "field", 6, "defaultValue"],
];

test("the file that the others are made from is generated", () => {
  expect(answerTo(request(goodFile(), "messages=ts-proto"))).toMatchObject({ error: "" });
});

describe.each(["", "messages=ts-proto"])("with the option %j", (parameter) => {
  test("a name or a default that is none is refused wherever it stands, and the error names the file", () => {
    for (const path of names) {
      for (const text of [...code, ...noIdentifiers]) {
        // No default, no package, and the dots in a package are as they should be.
        if (text === "" && (path.includes("defaultValue") || path[0] === "package")) continue;
        if (text === "a.b" && path[0] === "package") continue;
        const { error, files } = answerTo(request(withText(path, text), parameter));
        expect(error, `${path}: ${text}`).toMatch(/^good\/v1\/good\.proto: ".*" is no name of /);
        expect(error.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
        expect(files.size).toBe(0);
      }
    }
  });

  test.each([
    'x";globalThis.pwned=1;".proto',
    "x\u2028.proto",
    "x\n.proto",
    "../../evil.proto",
    "/etc/evil.proto",
    "a/../../evil.proto",
    "a/./evil.proto",
    "a//evil.proto",
    "..proto./evil.proto",
    "a\\..\\..\\evil.proto",
    "C:evil.proto",
    "a%2fb.proto",
    "a#b.proto",
    "a?b.proto",
    ".proto",
    "",
  ])("%j names no file, generated or imported", (name) => {
    const alone = answerTo(request({ ...goodFile(), name }, parameter));
    const sent = request({ ...goodFile(), dependency: [name] }, parameter);
    sent.protoFile.unshift(create(FileDescriptorProtoSchema, { name, syntax: "proto3" }));
    for (const { error, files } of [alone, answerTo(sent)]) {
      expect(error).toContain(" names no .proto file: give a path within the output folder");
      expect(files.size).toBe(0);
    }
  });
});

test("a file that is to be generated and was not sent is named", () => {
  const sent = request(goodFile());
  sent.fileToGenerate.push("other.proto");
  expect(answerTo(sent).error).toBe('"other.proto" is to be generated, but the compiler did not send it');
});

test("two files that would be generated as one are refused", () => {
  const method = { name: "Do", inputType: ".M", outputType: ".M" };
  const service = [{ name: "S", method: [method] }];
  const sent = request({ name: "a.proto", dependency: ["a"], messageType: [{ name: "M" }], service });
  sent.protoFile.unshift(create(FileDescriptorProtoSchema, { name: "a" }));
  expect(answerTo(sent).error).toBe("two files would be generated as a.desc.ts: rename one of the .proto files");
});

test("unusual names that are names generate code that runs", () => {
  const file = { ...goodFile(), name: "Ünusual (1), names/@scope~x=1/+all.v1-b_c.d.proto" };
  expect(runs(answerTo(request(file, "messages=ts-proto")).files)).toBe("");
});

test("comments, JSON names, defaults of strings and options may hold any text, and none of it runs", () => {
  const file = create(FileDescriptorProtoSchema, goodFile());
  const [message] = file.messageType;
  message?.field.push(
    ...code.flatMap((text, i) => [
      field({ name: `s${i}`, number: 100 + i, label, type: STRING, defaultValue: text, jsonName: `${text}${i}` }),
      field({ name: `b${i}`, number: 200 + i, label, type: BYTES, defaultValue: text }),
    ]),
  );
  // Every declaration has every comment, leading and trailing, as it is and after what could be joined with it.
  const places = [[4, 0], [4, 0, 4, 0], [4, 0, 4, 0, 2, 0], [6, 0], [6, 0, 2, 0], [12], [2]];
  const fields = message?.field.map((_, i) => [4, 0, 2, i]) ?? [];
  const texts = [...code, "/", "*", "*/", "/*", "*\n/", "*/*/", `* ${code[4]}`, code.join("\n")];
  const files = [...texts, ...texts.map((text) => `words ${text}`)].flatMap((text, n) => {
    const comments = { leadingComments: text, trailingComments: text, leadingDetachedComments: [text] };
    const location = [...places, ...fields].map((path) => ({ path, span: [n, 0, 1], ...comments }));
    const renamed = (part: unknown) => JSON.parse(JSON.stringify(part).replaceAll("good.v1", `c${n}`)) as never;
    return create(FileDescriptorProtoSchema, {
      name: `c${n}/c.proto`,
      package: `c${n}`,
      syntax: "proto2",
      messageType: renamed(file.messageType),
      service: renamed(file.service),
      sourceCodeInfo: { location },
    });
  });
  const sent = create(CodeGeneratorRequestSchema, {
    fileToGenerate: files.map(({ name }) => name),
    protoFile: files,
    parameter: "messages=ts-proto",
  });
  const answered = answerTo(sent);
  expect(answered.error).toBe("");
  for (const text of answered.files.values()) {
    expect(/.*[^\P{Cc}\n\t].*|.*[\p{Zl}\p{Zp}\p{Bidi_Control}].*/u.exec(text)?.[0]).toBeUndefined();
  }
  expect(runs(answered.files)).toBe("");
});

/** Imports all of it; what went wrong, or that something else ran. */
function runs(files: ReadonlyMap<string, string>): string {
  const folder = written(files);
  try {
    const all = [...files.keys()].filter((path) => path.endsWith(".ts")).map((path) => join(folder, path));
    const script = `for (const path of ${JSON.stringify(all)}) await import(path);
      if (globalThis.pwned !== undefined) throw new Error("foreign code ran");`;
    const args = ["--conditions=@trunkline/source", "--input-type=module", "--eval", script];
    return spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" }).stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
