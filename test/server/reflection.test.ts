import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, createClient } from "trunkline";
import { expect, test } from "vitest";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection.rpc.ts";
import type { ServerReflectionRequest } from "../../gen/grpc/reflection/v1/reflection.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/grpc/reflection/v1alpha/reflection.rpc.ts";
import { greeterPair } from "../support/greeter.ts";

type Asked = NonNullable<ServerReflectionRequest["messageRequest"]>;

async function ask(version: typeof ServerReflection, messageRequest: Asked) {
  await using pair = await greeterPair();
  const { value } = await createClient(version, pair.channel).serverReflectionInfo([{ messageRequest }]).next();
  return value?.messageResponse;
}

const filesOf = (answer: Awaited<ReturnType<typeof ask>>): string[] =>
  answer?.$case === "fileDescriptorResponse"
    ? answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name)
    : expect.fail(JSON.stringify(answer));

test.each([
  ["v1", ServerReflection],
  ["v1alpha", ServerReflectionAlpha as unknown as typeof ServerReflection],
])("%s lists the services and gives the files of a symbol", async (_name, version) => {
  const list = await ask(version, { $case: "listServices", value: "" });
  expect(list?.$case === "listServicesResponse" && list.value.service.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["greeter.v1.Greeter", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]),
  );
  for (const symbol of [
    "greeter.v1.Greeter",
    "greeter.v1.Greeter.SayHello",
    "greeter.v1.HelloRequest",
    "greeter.v1.HelloRequest.name",
  ]) {
    expect(filesOf(await ask(version, { $case: "fileContainingSymbol", value: symbol }))[0]).toBe(
      "greeter/v1/greeter.proto",
    );
  }
});

test("a file comes by its name, with everything that it imports", async () => {
  const files = filesOf(await ask(ServerReflection, { $case: "fileByFilename", value: "greeter/v1/greeter.proto" }));
  expect(files[0]).toBe("greeter/v1/greeter.proto");
});

test.each<[string, Asked]>([
  ["a file", { $case: "fileByFilename", value: "no/such.proto" }],
  ["a symbol", { $case: "fileContainingSymbol", value: "no.Such" }],
  [
    "an extension",
    { $case: "fileContainingExtension", value: { containingType: "greeter.v1.HelloRequest", extensionNumber: 7 } },
  ],
  ["the extensions of a type", { $case: "allExtensionNumbersOfType", value: "no.Such" }],
])("%s that the server does not have is NOT_FOUND, and the stream goes on", async (_what, messageRequest) => {
  await using pair = await greeterPair();
  const answers = createClient(ServerReflection, pair.channel).serverReflectionInfo([
    { messageRequest },
    { messageRequest: { $case: "listServices", value: "" } },
  ]);
  expect((await answers.next()).value?.messageResponse).toMatchObject({
    $case: "errorResponse",
    value: { errorCode: Code.NOT_FOUND },
  });
  expect((await answers.next()).value?.messageResponse?.$case).toBe("listServicesResponse");
  await answers.return?.();
});

test("reflection can be left out", async () => {
  await using pair = await greeterPair({ server: { reflection: false } });
  const answers = createClient(ServerReflection, pair.channel).serverReflectionInfo([]);
  await expect(answers.next()).rejects.toMatchObject({ code: Code.UNIMPLEMENTED });
});

const askAll = async function* (count: number, messageRequest: Asked) {
  for (let i = 0; i < count; i++) yield { messageRequest };
};

test("what a file imports is sent once a stream", async () => {
  await using pair = await greeterPair({ server: { reflection: true } });
  const symbol: Asked = { $case: "fileContainingSymbol", value: "grpc.reflection.v1.ServerReflection" };
  const names: string[][] = [];
  for await (const { messageResponse } of createClient(ServerReflection, pair.channel).serverReflectionInfo([
    { messageRequest: { $case: "fileByFilename", value: "greeter/v1/greeter.proto" } },
    { messageRequest: { $case: "fileByFilename", value: "greeter/v1/greeter.proto" } },
    { messageRequest: symbol },
  ])) {
    names.push(filesOf(messageResponse));
  }
  expect(names[1]).toEqual(["greeter/v1/greeter.proto"]);
  const all = names.flat().filter((name) => name !== "greeter/v1/greeter.proto");
  expect(new Set(all).size).toBe(all.length);
});

test("a caller is given no more of it than a build of all types needs, and the server's calls go on", async () => {
  await using pair = await greeterPair();
  const client = createClient(ServerReflection, pair.channel);
  const askOn = async (): Promise<number> => {
    let bytes = 0;
    const reading = (async () => {
      const asked: Asked = { $case: "fileByFilename", value: "google/protobuf/descriptor.proto" };
      for await (const { messageResponse } of client.serverReflectionInfo(askAll(200_000, asked))) {
        if (messageResponse?.$case !== "fileDescriptorResponse") expect.fail("no file");
        for (const file of messageResponse.value.fileDescriptorProto) bytes += file.length;
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
    return bytes;
  };
  const first = await askOn();
  expect(first).toBeGreaterThan(8 * 2 ** 20);
  expect(first).toBeLessThan(64 * 2 ** 20);
  // Another stream finds what the first has left.
  expect(await askOn()).toBeLessThan(first / 4);
  expect((await pair.greeter.sayHello({ name: "Ada" })).message).toBe("Hello Ada");
});
