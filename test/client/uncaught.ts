// A program that dies of an error which nobody catches. Its first argument says of which.
import { Code, createChannel, createClient, createServer, RpcError } from "trunkline";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";

const server = createServer();
server.add(Greeter, {
  sayHello: () => {
    throw new RpcError(Code.NOT_FOUND, "nobody has that name");
  },
  sayHelloAgain: () => ({}),
  async *chat() {
    yield {};
    throw new RpcError(Code.ABORTED, "enough");
  },
});
const greeter = createClient(Greeter, createChannel({ endpoints: [await server.listen("127.0.0.1:0")] }));

async function unary(): Promise<void> {
  await greeter.sayHello({ name: "you" });
}

async function stream(): Promise<void> {
  for await (const _ of greeter.chat([]));
}

async function cause(): Promise<void> {
  for await (const _ of greeter.chat(names()));
}

async function* names(): AsyncGenerator<{ name: string }> {
  yield { name: "one" };
  throw new Error("no more names");
}

async function aborted(): Promise<void> {
  await greeter.sayHello({ name: "you" }, { signal: AbortSignal.abort() });
}

const deaths: Readonly<Record<string, () => Promise<void>>> = { unary, stream, cause, aborted };
const death = deaths[process.argv[2] ?? ""] ?? unary;
await death();
