// The greeter by Trunkline, as every peer of these suites serves it.
import { setTimeout as sleep } from "node:timers/promises";
import { Code, createServer, detail, RpcError } from "trunkline";
import { grpcJs } from "trunkline/grpc-js";
import { BadRequest } from "../../../gen/google/rpc/error_details.ts";
import { Greeter } from "../../../gen/greeter/v1/greeter.rpc.ts";

const server = createServer({ ...(process.env.TRANSPORT === "grpc-js" && { transport: grpcJs() }) });
server.add(Greeter, {
  async sayHello({ name }, context) {
    const text = context.metadata.get("x-echo");
    const bytes = context.metadata.getBytes("x-echo-bin");
    context.header = { "served-by": "trunkline", ...(text && { "x-echo": text }) };
    context.trailer = { ...(bytes && { "x-echo-bin": bytes }) };
    if (name === "slow") await sleep(5_000, undefined, { signal: context.signal });
    if (name === "") {
      const violation = { fieldViolations: [{ field: "name", description: "it is empty" }] };
      throw new RpcError(Code.INVALID_ARGUMENT, "give a name", { details: [detail(BadRequest, violation)] });
    }
    return { message: `Hello ${name}` };
  },
  sayHelloAgain: ({ name }) => ({ message: `Hello again, ${name}` }),
  async *chat(hellos) {
    for await (const { name } of hellos) yield { message: `Hello ${name}` };
  },
});

console.log("listening on", await server.listen(process.env.ADDRESS ?? "127.0.0.1:0"));
process.once("SIGTERM", () => void server.close({ timeoutMs: 0 }));
