import { createServer, registryFromUri } from "trunkline";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";

// With TRUNKLINE_REGISTRY (say etcd://127.0.0.1:2379) it registers there; without, clients know the address.
const { TRUNKLINE_REGISTRY, PORT = "50051" } = process.env;
const registry = TRUNKLINE_REGISTRY === undefined ? undefined : await registryFromUri(TRUNKLINE_REGISTRY);

const server = createServer({ registry });
server.add(Greeter, {
  sayHello: ({ name }) => ({ message: `Hello ${name}` }),
  sayHelloAgain: ({ name }) => ({ message: `Hello again, ${name}` }),
  async *chat(hellos) {
    for await (const { name } of hellos) yield { message: `Hello ${name}` };
  },
});

console.log(`Greeter serves on ${await server.listen(`127.0.0.1:${PORT}`)}`);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void server.close());
