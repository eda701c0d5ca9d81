// A client that nobody closes. What it has to do, and where, is in its arguments; when it has done it, it says so.
import { type CallOptions, createChannel, createClient, createServer, RpcError } from "trunkline";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { etcd } from "../../src/registry/etcd/index.ts";
import { memoryRegistry } from "../../src/registry/memory.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { staticRegistry } from "../../src/registry/static.ts";
import { withSnapshot } from "../../src/registry/with-snapshot.ts";
import { grpcJs } from "../../src/transport/grpc-js/index.ts";
import { http2 } from "../../src/transport/http2/index.ts";
import { memoryTransport } from "../../src/transport/memory.ts";
import { authority } from "../support/certs.ts";
import { greetings } from "../support/greeter.ts";

export interface Task {
  readonly wire?: "http2" | "grpc-js" | "memory";
  readonly registry?: "static" | "memory" | "native" | "etcd3" | "snapshot";
  /** One after the other. */
  readonly does?: readonly (keyof typeof deeds)[];
  /** A server's address, or an etcd's. */
  readonly at?: string;
  readonly dir?: string;
  readonly tls?: boolean;
  readonly healthCheck?: boolean;
}

const wires = { http2, "grpc-js": grpcJs, memory: memoryTransport };
const deeds = { calls, stream, leaves, slow, fails, ready, services };
const patience = { timeoutMs: 0, waitForReady: true } satisfies CallOptions;

const task: Task = JSON.parse(process.argv[2] ?? "{}");
const { wire = "http2", does = ["calls"], dir = "", tls = false, healthCheck = false } = task;
const transport = wires[wire]();
const at = wire === "memory" ? "127.0.0.1:1" : (task.at ?? "");
const registry = registryOf(task);
const channel = createChannel({
  transport,
  registry,
  healthCheck,
  resolveTimeoutMs: 400,
  ...(tls && { tls: { ca: authority, serverName: "localhost" } }),
});
const greeter = createClient(Greeter, channel);
if (wire === "memory") setTimeout(serve, 300).unref();

console.log("begun");
for (const deed of does) await deeds[deed]();
console.log("done");

function registryOf({ registry = "static" }: Task): Registry {
  if (registry === "static") return staticRegistry([at]);
  if (registry === "memory") {
    const here = memoryRegistry();
    here.register({ services: ["greeter.v1.Greeter"], endpoint: { address: at } });
    return here;
  }
  if (registry === "snapshot") return withSnapshot(etcd(at), { dir });
  return etcd(at, { client: registry });
}

/** What holds this server in memory is nothing that keeps a process alive: its handlers wait for unref'd timers. */
async function serve(): Promise<void> {
  await createServer({ transport })
    .add(Greeter, { ...greetings, sayHelloAgain: late })
    .listen(at);
}

async function late({ name }: { name: string }): Promise<{ message: string }> {
  await new Promise((resolve) => setTimeout(resolve, 600).unref());
  return { message: `Hello again, ${name}` };
}

async function calls(): Promise<void> {
  for (let i = 0; i < 3; i++) console.log((await greeter.sayHello({ name: "Ada" }, patience)).message);
}

async function stream(): Promise<void> {
  for await (const { message } of greeter.chat([{ name: "Ada" }, { name: "Bob" }], patience)) console.log(message);
}

async function leaves(): Promise<void> {
  for await (const { message } of greeter.chat(forEver(), patience)) {
    console.log(message);
    break;
  }
}

async function* forEver(): AsyncGenerator<{ name: string }> {
  yield { name: "Ada" };
  await new Promise(() => {});
}

async function slow(): Promise<void> {
  console.log((await greeter.sayHelloAgain({ name: "Ada" }, patience)).message);
}

async function fails(): Promise<void> {
  try {
    await greeter.sayHello({ name: "Ada" });
  } catch (error) {
    console.log(RpcError.from(error).codeName);
  }
}

async function ready(): Promise<void> {
  await channel.ready(Greeter, { timeoutMs: 0 });
  console.log(channel.state(Greeter));
}

async function services(): Promise<void> {
  console.log((await registry.services()).join());
}
