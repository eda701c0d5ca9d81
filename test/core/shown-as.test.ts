import { inspect } from "node:util";
import {
  type Call,
  createChannel,
  createClient,
  createServer,
  http2,
  MemoryBudget,
  Metadata,
  memoryRegistry,
  staticRegistry,
} from "trunkline";
import { etcd } from "trunkline/etcd";
import { grpcJs } from "trunkline/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import type { HandlerContext } from "../../src/server/handler-context.ts";
import { greetings } from "../support/greeter.ts";

const secret = "planted-secret";
const things = new Map<string, object>();
const closers: (() => Promise<void>)[] = [];
afterAll(() => Promise.all(closers.map((close) => close())));

beforeAll(async () => {
  let call: Call | undefined;
  let context: HandlerContext | undefined;
  const server = createServer().add(Greeter, {
    ...greetings,
    sayHello(_request, its) {
      context = its;
      return {};
    },
  });
  const address = await server.listen("127.0.0.1:0");
  const channel = createChannel({
    endpoints: [address],
    interceptors: [
      (next) => (one) => {
        call ??= one;
        return next(one);
      },
    ],
  });
  const greeter = createClient(Greeter, channel);
  const metadata = { authorization: `Bearer ${secret}` };
  await greeter.sayHello({ name: secret }, { metadata, timeoutMs: 10_000 });
  const registry = etcd(`etcd://root:${secret}@127.0.0.1:1`);
  closers.push(channel.close, () => server.close({ timeoutMs: 0 }), registry.close);
  const all = {
    channel,
    client: greeter,
    server,
    etcd: registry,
    call,
    context,
    stream: greeter.chat([{ name: secret }]),
  };
  for (const [name, thing] of Object.entries(all)) things.set(name, thing as object);
  things.set("metadata", Metadata.from(metadata));
  things.set("budget", new MemoryBudget({ bytes: 2 ** 28 }));
  things.set("service", Greeter);
  things.set("method", Greeter.methods.sayHello);
  things.set("static", staticRegistry([address]));
  things.set("memory", memoryRegistry());
  things.set("http2", http2());
  things.set("grpcJs", grpcJs());
});

test.each([
  ["channel", /^Channel \{ services: \{ 'greeter\.v1\.Greeter': 'READY' \} \}$/],
  ["client", /^Client \{ service: 'greeter\.v1\.Greeter', methods: \[ 'sayHello', 'sayHelloAgain', 'chat' \] \}$/],
  ["server", /^Server \{ address: '127\.0\.0\.1:\d+', services: \[ 'greeter\.v1\.Greeter' \] \}$/],
  ["etcd", /^Registry \{ etcd: \[ '.*127\.0\.0\.1:1' \] \}$/],
  ["static", /^Registry \{ endpoints: \[ '127\.0\.0\.1:\d+' \] \}$/],
  ["memory", /^Registry \{ services: \[\] \}$/],
  ["budget", /^MemoryBudget \{ bytes: 268435456, lent: 0, held: 0, unsent: 0 \}$/],
  ["service", /^Service \{ name: 'greeter\.v1\.Greeter', methods: \[ 'sayHello', 'sayHelloAgain', 'chat' \] \}$/],
  ["method", /^Method \{ kind: 'unary', path: '\/greeter\.v1\.Greeter\/SayHello' \}$/],
  ["call", /^Call \{ method: '\/greeter\.v1\.Greeter\/SayHello', attempt: 1, remainingMs: [\d.]+ \}$/],
  [
    "context",
    /^HandlerContext \{ method: '\/greeter\.v1\.Greeter\/SayHello', peer: '127\.0\.0\.1:\d+', remainingMs: [\d.]+ \}$/,
  ],
  ["stream", /^ReplyStream \{ method: '\/greeter\.v1\.Greeter\/Chat' \}$/],
  ["metadata", /^Metadata \[ 'authorization' \]$/],
])("%s is printed as what it says of itself", (name, shown) => {
  expect(inspect(things.get(name), { breakLength: Number.POSITIVE_INFINITY })).toMatch(shown);
});

test("what is printed or written as JSON is short, wherever it stands, and holds no secret", () => {
  for (const [name, thing] of things) {
    for (const depth of [0, 2, 10]) {
      const text = inspect({ deep: { thing } }, { depth });
      expect(text.length, name).toBeLessThan(400);
      expect(text).not.toContain(secret);
    }
    if (name === "metadata") continue;
    const json = JSON.stringify({ thing });
    expect(json.length, name).toBeLessThan(400);
    expect(json).not.toContain(secret);
  }
});

test("classes are printed as such", () => {
  expect(inspect(MemoryBudget)).toBe("[class MemoryBudget]");
  expect(() => inspect(MemoryBudget.prototype)).not.toThrow();
});
