import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tsconfig, written } from "../codegen/written.ts";
import { installTypeScripts, type TypeScripts } from "../support/typescripts.ts";
import { type Editor, openEditor } from "./editor.ts";

/** Each name that begins with `of` is one that there is not: its place is where a person begins to type. */
const program = `import { createChannel, createClient, createServer } from "trunkline";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
const channel = createChannel({ ofChannel: 1, endpoints: [], policy: { ofPolicy: 1, retry: { ofRetry: 1 } } });
const greeter = createClient(Greeter, channel);
const probe = createClient(Probe, channel);
await greeter.sayHello({ ofRequest: 1 }, { ofCall: 1 });
await greeter.sayHelloAgain({}, { retry: { maxAttempts: 2 } });
await greeter.sayHelloAgain({}, { timeout: 2 });
probe.expand({});
probe.collect([]);
greeter.chat([]);
const server = createServer({ ofServer: 1 });
server.add(Greeter, { sayHello: (request, context) => ({ ofReply: context.ofContext }) });
server.add(Greeter, { sayHello: () => ({}), sayHelloAgain: () => ({}), async *chat() {}, sayGoodbye: () => ({}) });
`;

let typeScripts: TypeScripts;
let folder: string;
let editor: Editor;
beforeAll(async () => {
  typeScripts = await installTypeScripts();
  folder = written([["program.ts", program], tsconfig]);
  // The newest TypeScript is no JavaScript any more, and has another server.
  const tsserver = join(typeScripts.compilers.get("5.9") as string, "../../lib/tsserver.js");
  editor = openEditor(tsserver, join(folder, "program.ts"), program);
  await editor.hover("greeter =");
}, 240_000);
afterAll(async () => {
  await editor.close();
  typeScripts.remove();
  rmSync(folder, { recursive: true });
});

test.each([
  [
    "sayHello({ of",
    'sayHello: (request: MessageInit<HelloRequest>, options?: CallOptions<"NO_SIDE_EFFECTS"> | undefined) => Promise<HelloReply>',
    "Sends a greeting.",
  ],
  [
    "expand(",
    'expand: (request: MessageInit<ExpandRequest>, options?: CallOptions<"NO_SIDE_EFFECTS"> | undefined) => AsyncIterableIterator<Payload, undefined>',
    "Answers with `count` payloads of `size` bytes.",
  ],
  [
    "collect(",
    'collect: (requests: Requests<Payload>, options?: CallOptions<"IDEMPOTENCY_UNKNOWN"> | undefined) => Promise<CollectReply>',
    "Answers with how many payloads it was sent and their bytes in all.",
  ],
  [
    "chat([",
    'chat: (requests: Requests<HelloRequest>, options?: CallOptions<"IDEMPOTENCY_UNKNOWN"> | undefined) => AsyncIterableIterator<HelloReply, undefined>',
    "Answers every name as it comes.",
  ],
])(
  "a method of a client shows its messages by their names, and what the contract says of it: %s",
  async (at, shown, documentation) => {
    expect(await editor.hover(at)).toEqual({ shown: `(property) ${shown}`, documentation });
  },
);

test("a client is shown as one, and adding a service says what is to be given without spelling it out", async () => {
  expect((await editor.hover("greeter =")).shown).toMatch(
    /^const greeter: Client<\{\n {4}sayHello: Unary<HelloRequest, HelloReply, /,
  );
  const { shown, documentation } = await editor.hover("add(Greeter, { sayHello: (request");
  expect(shown).toMatch(
    />\(service: Service<\.\.\.>, implementation: Fits<\.\.\.>, options\?: ServiceInterceptors<\.\.\.> \| undefined\): Server$/,
  );
  expect(documentation).toContain("Serves a service by these functions");
});

test.each([
  ["ofChannel", ["registry", "tls", "interceptors", "idleTimeoutMs"]],
  ["ofPolicy", ["timeoutMs", "hedge", "methods"]],
  ["ofRetry", ["maxAttempts", "retryableCodes"]],
  ["ofCall", ["metadata", "retry", "hedge", "signal"]],
  ["ofServer", ["tls", "registry", "interceptors"]],
  ["ofContext", ["peer", "signal", "draining"]],
])("what may stand for %s is offered, each with a sentence of what it is", async (at, some) => {
  const offered = await editor.complete(at);
  expect(offered.map(({ name }) => name)).toEqual(expect.arrayContaining(some));
  expect(offered.filter(({ documentation }) => documentation === "").map(({ shown }) => shown)).toEqual([]);
});

test.each([
  ["ofRequest", ["name"]],
  ["ofReply", ["message"]],
])("in a message its fields are offered: %s", async (at, fields) => {
  const offered = await editor.complete(at);
  expect(offered.map(({ name }) => name).toSorted()).toEqual(fields);
});

test("errors say in one line what is wrong, and why", async () => {
  const errors = await editor.errors();
  const of = (line: number) =>
    errors.filter((text) => text.startsWith(`${line}: `)).map((text) => text.split(": ").slice(1).join(": "));
  expect(of(8)).toEqual([
    "Object literal may only specify known properties, and 'maxAttempts' does not exist in type 'OnlyWhereTheProtoDeclaresAnIdempotencyLevel'.",
  ]);
  expect(of(9)).toEqual([
    expect.stringMatching(
      / 'timeout' does not exist in type 'CallOptions<"IDEMPOTENCY_UNKNOWN">'\. Did you mean to write 'timeoutMs'\?$/,
    ),
  ]);
  expect(of(14)).toContain("Property 'ofContext' does not exist on type 'HandlerContext'.");
  expect(of(14)).toContain("Type '{ ofReply: any; }' is not assignable to type 'Awaitable<MessageInit<HelloReply>>'.");
  expect(of(15)).toEqual([expect.stringContaining('{ readonly "is no method of the service": "sayGoodbye"; }')]);
});
