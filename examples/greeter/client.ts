import { createChannel, createClient, registryFromUri } from "trunkline";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";

const { TRUNKLINE_REGISTRY, PORT = "50051" } = process.env;
const channel =
  TRUNKLINE_REGISTRY === undefined
    ? createChannel({ endpoints: [`127.0.0.1:${PORT}`] })
    : createChannel({ registry: await registryFromUri(TRUNKLINE_REGISTRY) });
const greeter = createClient(Greeter, channel);

const name = process.argv[2] ?? "you";
try {
  const hello = await greeter.sayHello({ name }, { timeoutMs: 2_000 });
  console.log(`Greeting: ${hello.message}`);
  const again = await greeter.sayHelloAgain({ name }, { timeoutMs: 2_000 });
  console.log(`Greeting: ${again.message}`);
} catch (error) {
  console.error(`${error}`, "- is the server running? npm run greeter:server");
  process.exitCode = 1;
} finally {
  await channel.close();
}
