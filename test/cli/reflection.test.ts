import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
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
