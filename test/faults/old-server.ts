// The greeter of the release before: it has no SayHelloAgain.
import { createServer, registryFromUri } from "trunkline";
import { defineService, type Service, type Unary } from "trunkline/contract";
import { HelloReply, HelloRequest } from "../../gen/greeter/v1/greeter.ts";
import { unary } from "../../src/core/method.ts";
import type { ServerSettings } from "./protocol.ts";

const settings = JSON.parse(process.env.SETTINGS as string) as ServerSettings;

const OldGreeter: Service<{ sayHello: Unary<HelloRequest, HelloReply, "NO_SIDE_EFFECTS"> }> = defineService(
  "greeter.v1.Greeter",
  { sayHello: unary("SayHello", HelloRequest, HelloReply, { idempotency: "NO_SIDE_EFFECTS" }) },
);

const server = createServer({ registry: await registryFromUri(settings.registry as string) });
server.add(OldGreeter, { sayHello: ({ name }) => ({ message: `Hello ${name}` }) });
const address = await server.listen(settings.listen);
await server.registered;
process.send?.({ address });

process.once("SIGTERM", () => void server.close().then(() => process.exit(0)));
process.once("disconnect", () => process.exit(0));
