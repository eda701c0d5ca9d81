// Does what it is told by a line of its input: "fill" takes every file descriptor that is left, "free" gives them back,
// "call" makes a call of its own server, "far" one of the server at the address that it was started with. It prints what
// comes of it, and what its server logs.
import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { createInterface } from "node:readline";
import { createChannel, createClient, createServer, http2, type Logger, RpcError } from "trunkline";
import { grpcJs } from "trunkline/grpc-js";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { greetings } from "../support/greeter.ts";

const [name, far = ""] = process.argv.slice(2);
const wire = name === "grpc-js" ? grpcJs : http2;
const quiet = () => {};
const at = (level: string) => (fields: object, message: string) => {
  console.log(`${level} ${message} ${JSON.stringify(fields)}`);
};
const logger: Logger = { debug: quiet, info: at("info"), warn: at("warn"), error: at("error") };
const server = createServer({ transport: wire(), logger }).add(Greeter, greetings);
const taken: number[] = [];

console.log(`listening at ${await server.listen("127.0.0.1:0")}`);
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "fill") fill();
  else if (line === "free") for (const descriptor of taken.splice(0)) closeSync(descriptor);
  else await call();
  console.log(`${line} done`);
}

function fill(): void {
  try {
    for (;;) taken.push(openSync(devNull, "r"));
  } catch {
    // Until there is none.
  }
}

async function call(): Promise<void> {
  const channel = createChannel({ endpoints: [far], transport: wire() });
  try {
    const { message } = await createClient(Greeter, channel).sayHello({ name: "you" }, { timeoutMs: 5_000 });
    console.log(`answered: ${message}`);
  } catch (error) {
    const { codeName, local, unprocessed, message } = RpcError.from(error);
    console.log(`${codeName} local=${local} unprocessed=${unprocessed} ${message}`);
  } finally {
    await channel.close();
  }
}
