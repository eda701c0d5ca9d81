// Calls the greeter by grpc-js alone; a line for each case.
import assert from "node:assert/strict";
import grpc from "@grpc/grpc-js";
import type { HelloReply, HelloRequest } from "../../../../gen/greeter/v1/greeter.ts";
import { greeterCases, report } from "../../greeter/cases.ts";
import { definition, refusedField } from "./greeter.ts";

const address = process.env.ADDRESS ?? "";
const client = new grpc.Client(address, grpc.credentials.createInsecure());
const compressing = new grpc.Client(address, grpc.credentials.createInsecure(), {
  "grpc.default_compression_algorithm": grpc.compressionAlgorithms.gzip,
});

interface Outcome {
  readonly message: string;
  readonly header: grpc.Metadata;
  readonly trailer: grpc.Metadata;
}

function call(
  by: grpc.Client,
  name: string,
  { path, requestSerialize, responseDeserialize }: (typeof definition)[keyof typeof definition] = definition.sayHello,
  metadata = new grpc.Metadata(),
  options: grpc.CallOptions = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let header = new grpc.Metadata();
    let message = "";
    const done = (error: grpc.ServiceError | null, reply?: HelloReply) => {
      if (error) reject(error);
      message = reply?.message ?? "";
    };
    const one = by.makeUnaryRequest(path, requestSerialize, responseDeserialize, { name }, metadata, options, done);
    one.on("metadata", (received) => {
      header = received;
    });
    one.on("status", ({ metadata: trailer }) => resolve({ message, header, trailer }));
  });
}

await report(
  greeterCases({
    sayHello: async (name) => (await call(client, name)).message,
    sayHelloAgain: async (name) => (await call(client, name, definition.sayHelloAgain)).message,
    compressed: async (name) => (await call(compressing, name)).message,
    async *chat(names) {
      const { path, requestSerialize, responseDeserialize } = definition.chat;
      const stream = client.makeBidiStreamRequest<HelloRequest, HelloReply>(
        path,
        requestSerialize,
        responseDeserialize,
      );
      const sending = (async () => {
        for await (const name of names) stream.write({ name });
        stream.end();
      })();
      for await (const { message } of stream) yield message;
      await sending;
    },
    async deadline(timeoutMs) {
      const options = { deadline: Date.now() + timeoutMs };
      const error = await call(client, "slow", definition.sayHello, undefined, options).catch((thrown) => thrown);
      assert.equal(error.code, grpc.status.DEADLINE_EXCEEDED);
    },
    async metadata(text, bytes) {
      const metadata = new grpc.Metadata();
      metadata.set("x-echo", text);
      metadata.set("x-echo-bin", Buffer.from(bytes));
      const { header, trailer } = await call(client, "Ada", definition.sayHello, metadata);
      return [header.get("x-echo")[0] as string, trailer.get("x-echo-bin")[0] as Buffer];
    },
    async refusedField() {
      const error = await call(client, "").catch((thrown) => thrown);
      assert.equal(error.code, grpc.status.INVALID_ARGUMENT);
      return refusedField(error);
    },
  }),
);
client.close();
compressing.close();
