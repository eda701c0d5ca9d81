// One of the demo's three servers, a process of its own.
import { createServer, registryFromUri } from "trunkline";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";

const { TRUNKLINE_REGISTRY = "", NAME = "greeter", ADDRESS = "127.0.0.1:0" } = process.env;

const server = createServer({ registry: await registryFromUri(TRUNKLINE_REGISTRY) });
server.add(Greeter, {
  sayHello({ name }, context) {
    context.header = { "served-by": NAME };
    return { message: `Hello ${name}` };
  },
  sayHelloAgain({ name }, context) {
    context.header = { "served-by": NAME };
    return { message: `Hello again, ${name}` };
  },
  async *chat(hellos) {
    for await (const { name } of hellos) yield { message: `Hello ${name}` };
  },
});

const address = await server.listen(ADDRESS);
await server.registered;
process.send?.({ address });

async function leave(): Promise<void> {
  await server.close();
  if (process.connected) process.disconnect();
}
process.once("SIGTERM", () => void leave());
process.once("disconnect", () => void leave());
process.on("SIGINT", () => {}); // Ctrl-C reaches the whole group; the demo says when to go.
