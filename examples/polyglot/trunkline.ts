// TypeScript's part of the fleet: a server that registers, and a client that finds every server.
import { createChannel, createClient, createServer, type Metadata, registryFromUri } from "trunkline";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";

export async function serve(registry: string) {
  const server = createServer({ registry: await registryFromUri(registry) });
  server.add(Greeter, {
    sayHello({ name }, context) {
      context.header = { "served-by": "trunkline" };
      return { message: `Hello ${name}` };
    },
    sayHelloAgain: ({ name }) => ({ message: `Hello again, ${name}` }),
    async *chat(hellos) {
      for await (const { name } of hellos) yield { message: `Hello ${name}` };
    },
  });
  await server.listen("127.0.0.1:0");
  await server.registered;
  return server;
}

/** Calls until each of these has answered, at most 300 times; says who served. */
export async function callAll(registry: string, names: readonly string[]): Promise<string[]> {
  const resolver = await registryFromUri(registry);
  await using channel = createChannel({ registry: resolver });
  const greeter = createClient(Greeter, channel);
  const servedBy: string[] = [];
  const onHeader = (header: Metadata) => void servedBy.push(header.get("served-by") ?? "?");
  for (let i = 0; i < 300 && !(i >= 60 && names.every((name) => servedBy.includes(name))); i++) {
    await greeter.sayHello({ name: "you" }, { timeoutMs: 5_000, onHeader });
  }
  await resolver.close();
  return servedBy;
}
