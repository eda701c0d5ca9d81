import { credentials, ServerCredentials } from "@grpc/grpc-js";
import { createChannel, createClient, createServer } from "nice-grpc";
import type { Contender } from "../contender.ts";
import type { Blob, DownloadRequest, Order, Text } from "../gen/bench/v1/bench.ts";
import { pingPong } from "../ping-pong.ts";
import { blob, greet, order, park, release, work } from "../workload.ts";
import { channelOptions } from "./grpc-js.ts";
import { Bench } from "./grpc-js-contract.ts";

export const contender: Contender = {
  async serve(tls) {
    const server = createServer();
    server.add(Bench, {
      hello: async ({ text }: Text) => ({ text: greet(text) }),
      work: async ({ text }: Text) => {
        await work();
        return { text: greet(text) };
      },
      park: async (request: Text) => {
        await park();
        return request;
      },
      release: async (request: Text) => {
        release();
        return request;
      },
      place: async (placed: Order) => placed,
      echo: async (sent: Blob) => sent,
      async *download({ count, size }: DownloadRequest) {
        for (let i = 0; i < count; i++) yield { data: blob(size) };
      },
      async *chat(texts: AsyncIterable<Text>) {
        yield* texts;
      },
    });
    const shown = tls && ServerCredentials.createSsl(null, [{ cert_chain: tls.cert, private_key: tls.key }]);
    const port = await server.listen("127.0.0.1:0", shown);
    return { port, close: async () => server.forceShutdown() };
  },

  async connect(port, { tls }) {
    const trust = tls ? credentials.createSsl(tls.ca) : credentials.createInsecure();
    const channel = createChannel(`127.0.0.1:${port}`, trust, channelOptions);
    const client = createClient(Bench, channel);
    return {
      hello: async () => (await client.hello({ text: "world" })).text,
      work: async () => (await client.work({ text: "world" })).text,
      park: () => client.park({ text: "" }),
      release: () => client.release({ text: "" }),
      place: async () => (await client.place(order)).total,
      echo: async (data) => (await client.echo({ data })).data.length,
      async download(count, size) {
        let bytes = 0;
        for await (const { data } of client.download({ count, size })) bytes += data.length;
        return bytes;
      },
      chat: (count) => pingPong(count, (texts) => client.chat(texts)),
      close: async () => channel.close(),
    };
  },
};
