import {
  type Channel,
  type ChannelOptions,
  createChannel,
  createClient,
  createServer,
  type ServerOptions,
} from "trunkline";
import { identity } from "trunkline/auth";
import { bidiStreaming, defineService, unary } from "trunkline/contract";
import { HelloReply, HelloRequest } from "../../gen/greeter/v1/greeter.ts";
import type { Client } from "../../src/client/client.ts";

/** A service that asks for more from method to method. */
export const Orders = defineService("orders.v1.Orders", {
  menu: unary("Menu", HelloRequest, HelloReply, { auth: { public: true } }),
  track: unary("Track", HelloRequest, HelloReply, { auth: {} }),
  place: unary("Place", HelloRequest, HelloReply, { auth: { scopes: ["orders:write"] } }),
  follow: bidiStreaming("Follow", HelloRequest, HelloReply, { auth: { scopes: ["orders:read"] } }),
});

export interface World extends AsyncDisposable {
  readonly channel: Channel;
  readonly orders: Client<typeof Orders>;
  readonly address: string;
}

/** Each method answers with who called. */
export async function ordersPair(
  server: ServerOptions,
  channelOptions: Omit<Extract<ChannelOptions, { endpoints: unknown }>, "endpoints" | "registry"> = {},
): Promise<World> {
  const listening = createServer(server);
  listening.add(Orders, {
    menu: (_, context) => ({ message: context.get(identity)?.subject ?? "nobody" }),
    track: (_, context) => ({ message: context.get(identity)?.subject ?? "nobody" }),
    place: (_, context) => ({ message: context.get(identity)?.subject ?? "nobody" }),
    async *follow(requests, context) {
      for await (const { name } of requests) yield { message: `${context.get(identity)?.subject} ${name}` };
    },
  });
  const address = await listening.listen("127.0.0.1:0");
  const channel = createChannel({ ...channelOptions, endpoints: [address] });
  return {
    channel,
    address,
    orders: createClient(Orders, channel),
    async [Symbol.asyncDispose]() {
      await channel.close(0);
      await listening.close({ timeoutMs: 0 });
    },
  };
}

export async function allOf(replies: AsyncIterable<{ readonly message: string }>): Promise<string[]> {
  const messages: string[] = [];
  for await (const { message } of replies) messages.push(message);
  return messages;
}
