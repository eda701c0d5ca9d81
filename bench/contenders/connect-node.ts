import { once } from "node:events";
import { readFileSync } from "node:fs";
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { createFileRegistry, type DescService, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { Contender } from "../contender.ts";
import { pingPong } from "../ping-pong.ts";
import { blob, greet, order, park, release, work } from "../workload.ts";

const descriptors = readFileSync(new URL("../gen/bench.binpb", import.meta.url));
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
const Bench = registry.getService("bench.v1.Bench") as DescService;

/** Connect over HTTP/2, by the gRPC protocol, with its own messages (protobuf-es). */
export const contender: Contender = {
  async serve(tls) {
    const adapter = connectNodeAdapter({
      routes: (router) =>
        router.service(Bench, {
          hello: async ({ text }: any) => ({ text: greet(text) }),
          work: async ({ text }: any) => {
            await work();
            return { text: greet(text) };
          },
          park: async ({ text }: any) => {
            await park();
            return { text };
          },
          release: async ({ text }: any) => {
            release();
            return { text };
          },
          place: async (placed: any) => placed,
          echo: async (sent: any) => sent,
          async *download({ count, size }: any) {
            for (let i = 0; i < count; i++) yield { data: blob(size) };
          },
          async *chat(texts: any) {
            yield* texts;
          },
        } as never),
    });
    const server = tls ? http2.createSecureServer(tls, adapter) : http2.createServer(adapter);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return { port: (server.address() as AddressInfo).port, close: async () => void server.close() };
  },

  async connect(port, { tls }) {
    const baseUrl = `${tls ? "https" : "http"}://127.0.0.1:${port}`;
    const sessionManager = new Http2SessionManager(baseUrl, undefined, tls && { ca: tls.ca });
    const client = createClient(Bench, createGrpcTransport({ baseUrl, sessionManager })) as any;
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
      close: async () => sessionManager.abort(),
    };
  },
};
