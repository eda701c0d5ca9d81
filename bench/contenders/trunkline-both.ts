import type { Channel } from "../../src/client/channel.ts";
import { createClient } from "../../src/client/client.ts";
import { createServer } from "../../src/server/server.ts";
import type { Caller, Keys, Serving } from "../contender.ts";
import { Bench } from "../contract.ts";
import { pingPong } from "../ping-pong.ts";
import { blob, greet, order, park, release, work } from "../workload.ts";

/** Handlers as a user writes them: async functions and async generators. */
export async function serve(tls: Keys | undefined): Promise<Serving> {
  const server = createServer({ tls: tls && { cert: tls.cert, key: tls.key } });
  server.add(Bench, {
    hello: async ({ text }) => ({ text: greet(text) }),
    work: async ({ text }) => {
      await work();
      return { text: greet(text) };
    },
    park: async ({ text }) => {
      await park();
      return { text };
    },
    release: async ({ text }) => {
      release();
      return { text };
    },
    place: async (placed) => placed,
    echo: async (sent) => sent,
    async *download({ count, size }) {
      for (let i = 0; i < count; i++) yield { data: blob(size) };
    },
    async *chat(texts) {
      yield* texts;
    },
  });
  // All loopback addresses are its own: many endpoints of one server.
  const address = await server.listen("0.0.0.0:0");
  return { port: Number(address.split(":")[1]), close: () => server.close({ quietMs: 0 }) };
}

export function through(channel: Channel): Caller {
  const client = createClient(Bench, channel);
  return {
    hello: async () => (await client.hello({ text: "world" })).text,
    work: async () => (await client.work({ text: "world" })).text,
    park: () => client.park({ text: "" }, { timeoutMs: 0 }),
    release: () => client.release({ text: "" }),
    place: async () => (await client.place(order)).total,
    echo: async (data) => (await client.echo({ data })).data.length,
    async download(count, size) {
      let bytes = 0;
      for await (const { data } of client.download({ count, size })) bytes += data.length;
      return bytes;
    },
    chat: (count) => pingPong(count, (texts) => client.chat(texts)),
    close: () => channel.close(),
  };
}
