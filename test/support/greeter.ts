import {
  type Channel,
  type Client,
  createChannel,
  createClient,
  createServer,
  type Server,
  type ServerOptions,
} from "trunkline";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import type { Implementation } from "../../src/server/implementation.ts";

type GreeterMethods = (typeof Greeter)["methods"];

export interface Pair extends AsyncDisposable {
  readonly server: Server;
  readonly channel: Channel;
  readonly greeter: Client<GreeterMethods>;
  readonly address: string;
}

export const greetings: Implementation<GreeterMethods> = {
  sayHello: ({ name }) => ({ message: `Hello ${name}` }),
  sayHelloAgain: ({ name }) => ({ message: `Hello again, ${name}` }),
  async *chat(hellos) {
    for await (const { name } of hellos) yield { message: `Hello ${name}` };
  },
};

export interface PairOptions {
  readonly implementation?: Partial<Implementation<GreeterMethods>>;
  readonly server?: ServerOptions;
  readonly channel?: Omit<
    Extract<Parameters<typeof createChannel>[0], { endpoints: unknown }>,
    "endpoints" | "registry"
  >;
}

/** A greeter's server on a free port, and a client of it. */
export async function greeterPair({
  implementation,
  server: serverOptions,
  channel: channelOptions,
}: PairOptions = {}): Promise<Pair> {
  const server = createServer(serverOptions);
  server.add(Greeter, { ...greetings, ...implementation } as Implementation<GreeterMethods>);
  const address = await server.listen("127.0.0.1:0");
  const channel = createChannel({ ...channelOptions, endpoints: [address] });
  return {
    server,
    channel,
    address,
    greeter: createClient(Greeter, channel),
    async [Symbol.asyncDispose]() {
      await channel.close();
      await server.close({ timeoutMs: 0 });
    },
  };
}
