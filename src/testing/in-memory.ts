import { type Channel, type ChannelOptions, createChannel } from "../client/channel.ts";
import { type Client, createClient } from "../client/client.ts";
import type { Interceptor } from "../core/call.ts";
import type { Service } from "../core/method.ts";
import { checkKind, functionLike } from "../core/option-kinds.ts";
import { checkNames } from "../core/option-names.ts";
import { createServer, type Server, type ServerOptions } from "../server/server.ts";
import { memoryTransport } from "../transport/memory.ts";
import { atOnce } from "./at-once.ts";

type Given<T> = T extends unknown ? Omit<T, "transport" | "registry" | "endpoints"> : never;

export interface InMemoryOptions {
  /** Of the server: its interceptors, say. It closes at once unless `drain` says otherwise. */
  readonly server?: Given<ServerOptions> | undefined;
  /** Of the channel to it. */
  readonly channel?: Given<ChannelOptions> | undefined;
}

/** A server and the way to it, within the process and without a port. */
export interface InMemory {
  readonly server: Server;
  readonly channel: Channel;
  /** A typed client of a service that was added. */
  client<M>(service: Service<M>): Client<M>;
  /** Ends what is still in flight with UNAVAILABLE. Where nothing is, there is no need to close it. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Serves in memory, interceptors, deadlines and limits included; messages are encoded and decoded as on a socket.
 *
 * ```ts
 * await using shop = inMemory((server) => server.add(Orders, orders), { server: { interceptors: [auth] } });
 * await shop.client(Orders).place({ article: "tea" });
 * ```
 */
export function inMemory(add: (server: Server) => unknown, options: InMemoryOptions = {}): InMemory {
  checkKind("the first argument of inMemory", add, functionLike("(server) => server.add(Greeter, greetings)"));
  checkNames(options, { server: true, channel: true }, "inMemory");
  const transport = memoryTransport();
  const server = createServer({ drain: atOnce, ...options.server, transport });
  add(server);
  const listening = server.listen("in-memory:1");
  // Who calls hears of it.
  listening.catch(() => {});
  const onceItListens: Interceptor = (next) => async (call) => {
    await listening;
    return next(call);
  };
  const interceptors = [...(options.channel?.interceptors ?? []), onceItListens];
  const channel = createChannel({ ...options.channel, endpoints: ["in-memory:1"], transport, interceptors });

  async function close(): Promise<void> {
    await server.close();
    await channel.close(0);
  }

  return {
    server,
    channel,
    client: (service) => createClient(service, channel),
    close,
    [Symbol.asyncDispose]: close,
  };
}
