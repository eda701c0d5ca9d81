import { setTimeout } from "node:timers/promises";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { FieldDescriptorProto_Type, type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { createServer } from "trunkline";
import { afterEach, expect, test } from "vitest";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection.rpc.ts";
import type { ServerReflectionResponse } from "../../gen/grpc/reflection/v1/reflection.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/grpc/reflection/v1alpha/reflection.rpc.ts";
import { file as probe } from "../../gen/probe/v1/probe.desc.ts";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import type { MessageInit } from "../../src/core/message.ts";
import { json, trunkline } from "./trunkline.ts";

type Answer = MessageInit<ServerReflectionResponse>["messageResponse"];

const toClose: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0)) await close();
});

/** One file, which imports others. */
function files(name: string, ...dependency: readonly string[]): Answer {
  const file =
    name === probe.name
      ? { ...fromBinary(FileDescriptorProtoSchema, Buffer.from(probe.base64, "base64")), dependency: [...dependency] }
      : create(FileDescriptorProtoSchema, { name, syntax: "proto3" });
  const bytes = toBinary(FileDescriptorProtoSchema, file as FileDescriptorProto);
  return { $case: "fileDescriptorResponse", value: { fileDescriptorProto: [bytes] } };
}

/** A server that answers questions about its contract as `answer` does, in one version of reflection. */
async function serve(version: typeof ServerReflection, answer: (asked: string) => Answer): Promise<string> {
  const server = createServer({ reflection: false });
  const never = () => expect.fail("nobody calls it");
  server.add(Probe, { echo: (payload) => payload, expand: never, collect: never, converse: never });
  server.add(version, {
    async *serverReflectionInfo(requests) {
      for await (const { messageRequest } of requests) {
        yield { messageResponse: answer(String(messageRequest?.value)) };
      }
    },
  });
  toClose.push(() => server.close());
  return server.listen("127.0.0.1:0");
}

const echo = (address: string) => trunkline(["call", "probe.v1.Probe/Echo", "-a", address, "-d", '{"text": "x"}']);

test("a server that knows only the older version of reflection is understood", async () => {
  const address = await serve(ServerReflectionAlpha as never, () => files(probe.name));
  const { stdout } = await echo(address);
  expect(json(stdout)).toEqual({ text: "x" });
});

test("a server that gives its files one by one is asked for each", async () => {
  const asked: string[] = [];
  const address = await serve(ServerReflection, (name) => {
    asked.push(name);
    return name === "other/v1/other.proto" ? files(name) : files(probe.name, "other/v1/other.proto");
  });
  const { stdout } = await echo(address);
  expect(json(stdout)).toEqual({ text: "x" });
  expect(asked).toEqual(["probe.v1.Probe", "other/v1/other.proto"]);
});

test("what a server says against it is passed on", async () => {
  const address = await serve(ServerReflection, () => ({
    $case: "errorResponse",
    value: { errorCode: 5, errorMessage: "not here" },
  }));
  expect(await echo(address)).toMatchObject({ code: 1, stderr: "NOT_FOUND: reflection: not here\n" });
});

test("descriptors that make no sense are the server's fault, and end nothing else", async () => {
  const nonsense = { fileDescriptorProto: [Uint8Array.of(10, 200)] };
  const address = await serve(ServerReflection, () => ({ $case: "fileDescriptorResponse", value: nonsense }));
  expect(await echo(address)).toMatchObject({ code: 1, stdout: "" });
});

test("an answer without the service names what there is", async () => {
  const address = await serve(ServerReflection, () => files("other/v1/other.proto"));
  const { code, stderr } = await echo(address);
  expect(code).toBe(2);
  expect(stderr).toContain("there is no service probe.v1.Probe; known are: none");
});

function descriptor(init: MessageInitShape<typeof FileDescriptorProtoSchema>): Uint8Array {
  return toBinary(FileDescriptorProtoSchema, create(FileDescriptorProtoSchema, { syntax: "proto3", ...init }));
}

function sent(...fileDescriptorProto: readonly Uint8Array[]): Answer {
  return { $case: "fileDescriptorResponse", value: { fileDescriptorProto: [...fileDescriptorProto] } };
}

test("a server that names one missing import after the other is asked for so many and no more", async () => {
  let asked = 0;
  const address = await serve(ServerReflection, () =>
    sent(descriptor({ name: `f${asked++}.proto`, dependency: [`f${asked}.proto`] })),
  );
  expect(await echo(address)).toEqual({
    code: 1,
    stdout: "",
    stderr:
      "RESOURCE_EXHAUSTED: reflection: the server's contract has more than 1000 files, which is not taken from a server; " +
      "give it with --proto FILE\n",
  });
  expect(asked).toBeLessThan(1_010);
});

test("a file of many imports, and many large files, are told at once", async () => {
  const dependency = Array.from({ length: 5_000 }, (_, i) => `${i}.proto`);
  const many = await serve(ServerReflection, () => sent(descriptor({ name: "many.proto", dependency })));
  expect((await echo(many)).stderr).toContain(
    "RESOURCE_EXHAUSTED: reflection: the server's contract has more than 1000",
  );
  let n = 0;
  const text = "x".repeat(2 ** 20);
  const large = await serve(ServerReflection, () =>
    sent(descriptor({ name: `${n++}.proto`, dependency: [`${n}.proto`], messageType: [{ name: text }] })),
  );
  expect((await echo(large)).stderr).toContain("the server's contract has more than 16 MiB");
  expect(n).toBe(16);
});

test("all questions together have the time of one call", async () => {
  let asked = 0;
  const server = createServer({ reflection: false });
  server.add(ServerReflection, {
    async *serverReflectionInfo() {
      await setTimeout(50);
      yield { messageResponse: sent(descriptor({ name: `f${asked++}.proto`, dependency: [`f${asked}.proto`] })) };
    },
  });
  toClose.push(() => server.close({ timeoutMs: 0 }));
  const address = await server.listen("127.0.0.1:0");
  const outcome = await trunkline(["call", "probe.v1.Probe/Echo", "-a", address, "--timeout", "400"]);
  expect(outcome).toMatchObject({ code: 1, stderr: expect.stringMatching(/^DEADLINE_EXCEEDED: /) });
  expect(asked).toBeLessThan(9);
});

test("answers to something else are no answer, however many come", async () => {
  const server = createServer({ reflection: false });
  server.add(ServerReflection, {
    async *serverReflectionInfo() {
      for (;;) yield { messageResponse: { $case: "listServicesResponse", value: { service: [] } } } as const;
    },
  });
  toClose.push(() => server.close({ timeoutMs: 0 }));
  const address = await server.listen("127.0.0.1:0");
  expect((await echo(address)).stderr).toBe("INTERNAL: reflection: the server did not answer for probe.v1.Probe\n");
});

/** A message in a message in a message. */
function nested(levels: number): Uint8Array {
  let bytes = Buffer.from([10, 1, 77]);
  for (let i = 0; i < levels; i++) {
    const length: number[] = [];
    for (let rest = bytes.length; ; rest >>>= 7) {
      length.push(rest < 0x80 ? rest : (rest & 0x7f) | 0x80);
      if (rest < 0x80) break;
    }
    bytes = Buffer.concat([Buffer.from([10, 1, 77, i + 1 < levels ? 26 : 34, ...length]), bytes]);
  }
  return bytes;
}

test.each<[string, (asked: string) => Answer]>([
  [
    "imports in a circle",
    (asked) =>
      asked === "b"
        ? sent(descriptor({ name: "b", dependency: ["a"] }))
        : sent(descriptor({ name: "a", dependency: ["b"] })),
  ],
  ["messages nested without end", () => sent(nested(5_000))],
  [
    "a type that is nowhere",
    () =>
      sent(
        descriptor({
          name: "a",
          messageType: [{ name: "M", field: [{ name: "f", number: 1, type: 11, typeName: ".no.M" }] }],
        }),
      ),
  ],
  ["one name for two types", () => sent(descriptor({ name: "a", messageType: [{ name: "M" }, { name: "M" }] }))],
  ["no bytes at all", () => sent(new Uint8Array())],
  ["nothing", () => sent()],
  [
    "a service of the right name with a method of no type",
    () =>
      sent(descriptor({ name: "a", package: "probe.v1", service: [{ name: "Probe", method: [{ name: "Echo" }] }] })),
  ],
])("a contract with %s is an error that ends the command", async (_, answer) => {
  const { code, stdout, stderr } = await echo(await serve(ServerReflection, answer));
  expect(stdout).toBe("");
  expect([1, 2]).toContain(code);
  expect(stderr).toMatch(
    /^(INTERNAL: reflection: the server's contract cannot be read: .*; give it with --proto FILE|there is no service probe\.v1\.Probe.*)\n/,
  );
});

test("an error with a code that gRPC does not have is UNKNOWN", async () => {
  const address = await serve(ServerReflection, () => ({
    $case: "errorResponse",
    value: { errorCode: 0, errorMessage: "fine?" },
  }));
  expect(await echo(address)).toMatchObject({ code: 1, stderr: "UNKNOWN: reflection: fine?\n" });
});

test("a type with any number of fields of one name is soon read", async () => {
  const { INT32: type } = FieldDescriptorProto_Type;
  const fields = (name: string) => Array.from({ length: 20_000 }, (_, i) => ({ name, number: i + 1, type }));
  const file = create(FileDescriptorProtoSchema, {
    ...fromBinary(FileDescriptorProtoSchema, Buffer.from(probe.base64, "base64")),
    dependency: ["many.proto"],
  });
  const many = create(FileDescriptorProtoSchema, {
    name: "many.proto",
    syntax: "proto3",
    messageType: ["a", "constructor"].map((name) => ({ name: `Of_${name}`, field: fields(name) })),
  });
  const answer = (asked: string): Answer => {
    const bytes = toBinary(FileDescriptorProtoSchema, asked === "many.proto" ? many : file);
    return { $case: "fileDescriptorResponse", value: { fileDescriptorProto: [bytes] } };
  };
  const address = await serve(ServerReflection, answer);
  const startedMs = performance.now();
  expect((await echo(address)).code).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(10_000);
});

test("names that no message can bear are shown by how they begin", async () => {
  const name = "y".repeat(1_000_000);
  const service = [{ name: `${name}a` }, { name: `${name}b` }];
  const file = create(FileDescriptorProtoSchema, { name: "a.proto", package: "p", syntax: "proto3", service });
  const fileDescriptorProto = [toBinary(FileDescriptorProtoSchema, file)];
  const answers: Answer[] = [
    { $case: "fileDescriptorResponse", value: { fileDescriptorProto } },
    { $case: "errorResponse", value: { errorCode: 5, errorMessage: name } },
    { $case: "fileDescriptorResponse", value: { fileDescriptorProto: [...fileDescriptorProto, ...dangling(name)] } },
  ];
  for (const answer of answers) {
    const { code, stderr } = await echo(await serve(ServerReflection, () => answer));
    expect(code).toBeGreaterThan(0);
    expect(stderr.length).toBeLessThan(5_000);
    expect(stderr).toContain("yyy…");
  }
});

/** A file that refers to a type which nobody has. */
function dangling(typeName: string): Uint8Array[] {
  const field = [{ name: "f", number: 1, label: 1, type: 11, typeName: `.${typeName}` }];
  const file = { name: "b.proto", syntax: "proto3", messageType: [{ name: "M", field }] };
  return [toBinary(FileDescriptorProtoSchema, create(FileDescriptorProtoSchema, file))];
}
