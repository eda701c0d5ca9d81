// Calls the greeter of a peer by Trunkline; a line for each case.
import assert from "node:assert/strict";
import { Code, createChannel, createClient, Metadata, RpcError } from "trunkline";
import { grpcJs } from "trunkline/grpc-js";
import { BadRequest } from "../../../gen/google/rpc/error_details.ts";
import { Greeter } from "../../../gen/greeter/v1/greeter.rpc.ts";
import { greeterCases, report } from "./cases.ts";

const { ADDRESS = "", TRANSPORT } = process.env;
const options = { endpoints: [ADDRESS], ...(TRANSPORT === "grpc-js" && { transport: grpcJs() }) };
const channel = createChannel(options);
const compressing = createChannel({ ...options, compression: "gzip" });
const greeter = createClient(Greeter, channel);

await report(
  greeterCases({
    sayHello: async (name) => (await greeter.sayHello({ name })).message,
    sayHelloAgain: async (name) => (await greeter.sayHelloAgain({ name })).message,
    compressed: async (name) => (await createClient(Greeter, compressing).sayHello({ name })).message,
    async *chat(names) {
      for await (const { message } of greeter.chat(requests(names))) yield message;
    },
    async deadline(timeoutMs) {
      const error = await greeter.sayHello({ name: "slow" }, { timeoutMs }).catch(RpcError.from);
      assert.ok(error instanceof RpcError && error.code === Code.DEADLINE_EXCEEDED, `${error}`);
    },
    async metadata(text, bytes) {
      let header = Metadata.EMPTY;
      let trailer = Metadata.EMPTY;
      const sent = { "x-echo": text, "x-echo-bin": bytes };
      const onHeader = (received: Metadata) => {
        header = received;
      };
      const onTrailer = (received: Metadata) => {
        trailer = received;
      };
      await greeter.sayHello({ name: "Ada" }, { metadata: sent, onHeader, onTrailer });
      return [header.get("x-echo"), trailer.getBytes("x-echo-bin")];
    },
    async refusedField() {
      const error = await greeter.sayHello({}).catch(RpcError.from);
      assert.ok(error instanceof RpcError && error.code === Code.INVALID_ARGUMENT, `${error}`);
      return error.detailsOf(BadRequest)[0]?.fieldViolations[0]?.field;
    },
  }),
);
await channel.close();
await compressing.close();

async function* requests(names: AsyncIterable<string>) {
  for await (const name of names) yield { name };
}
