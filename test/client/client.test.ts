import { once } from "node:events";
import { Code, createChannel, createClient, createServer, Metadata, RpcError } from "trunkline";
import { grpcJs } from "trunkline/grpc-js";
import { memoryTransport } from "trunkline/testing";
import { expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { http2 } from "../../src/transport/http2/index.ts";
import { greeterPair, greetings } from "../support/greeter.ts";

const failure = (call: Promise<unknown>): Promise<RpcError> =>
  call.then(
    () => expect.fail("the call succeeded"),
    (error) => (RpcError.is(error) ? error : expect.fail(`${error} is no RpcError`)),
  );

test("a field that is left out has its proto default, and what comes back has every field", async () => {
  await using pair = await greeterPair({
    implementation: { sayHello: ({ name }) => (name === "" ? {} : { message: name }) },
  });
  expect(await pair.greeter.sayHello({})).toEqual({ message: "" });
});

test("a stream goes both ways, one message at a time", async () => {
  await using pair = await greeterPair();
  const sent: string[] = [];
  async function* names() {
    for (const name of ["Ada", "Grace"]) {
      sent.push(name);
      yield { name };
    }
  }
  const replies: string[] = [];
  for await (const { message } of pair.greeter.chat(names())) replies.push(message);
  expect(replies).toEqual(["Hello Ada", "Hello Grace"]);
  expect(sent).toEqual(["Ada", "Grace"]);
});

test("requests may come from an array", async () => {
  await using pair = await greeterPair();
  const replies: string[] = [];
  for await (const { message } of pair.greeter.chat([{ name: "Ada" }])) replies.push(message);
  expect(replies).toEqual(["Hello Ada"]);
});

test("a stream that nobody reads is never called", async () => {
  let called = false;
  await using pair = await greeterPair({
    implementation: {
      async *chat() {
        called = true;
      },
    },
  });
  const stream = pair.greeter.chat([]);
  expect(await stream.return?.()).toEqual({ done: true, value: undefined });
  expect(await stream.next()).toEqual({ done: true, value: undefined });
  await pair.greeter.sayHello({});
  expect(called).toBe(false);
});

test("leaving a stream early cancels it at the server", async () => {
  const { promise: cancelled, resolve } = Promise.withResolvers<unknown>();
  await using pair = await greeterPair({
    implementation: {
      async *chat(_hellos, { signal }) {
        signal.addEventListener("abort", () => resolve(signal.reason));
        for (;;) yield { message: "more" };
      },
    },
  });
  for await (const _ of pair.greeter.chat([])) break;
  expect(await cancelled).toMatchObject({ code: Code.CANCELLED });
});

test("metadata goes both ways: text, bytes, several values of a key", async () => {
  await using pair = await greeterPair({
    implementation: {
      sayHello(_request, context) {
        context.header = { "x-header": ["a", "b"] };
        context.trailer = { "x-trailer-bin": context.metadata.getBytes("x-bytes-bin") ?? new Uint8Array() };
        return { message: context.metadata.getAll("x-text").join(", ") };
      },
    },
  });
  let header = Metadata.EMPTY;
  let trailer = Metadata.EMPTY;
  const { message } = await pair.greeter.sayHello(
    {},
    {
      metadata: { "X-Text": ["one", "two"], "x-bytes-bin": Uint8Array.of(0, 255) },
      onHeader: (metadata) => {
        header = metadata;
      },
      onTrailer: (metadata) => {
        trailer = metadata;
      },
    },
  );
  expect(message).toBe("one, two");
  // gRPC lets what lies between join the values of a key.
  expect(header.getAll("x-header").join(", ")).toBe("a, b");
  expect([...(trailer.getBytes("x-trailer-bin") ?? [])]).toEqual([0, 255]);
});

test("a stream shows its header when it opens and its trailer when it ends", async () => {
  await using pair = await greeterPair({
    implementation: {
      async *chat(_hellos, context) {
        context.header = { "x-when": "before" };
        yield { message: "one" };
        context.trailer = { "x-when": "after" };
      },
    },
  });
  const seen: unknown[] = [];
  const options = {
    onHeader: (metadata: Metadata) => seen.push(metadata.get("x-when")),
    onTrailer: (metadata: Metadata) => seen.push(metadata.get("x-when")),
  };
  for await (const { message } of pair.greeter.chat([], options)) seen.push(message);
  expect(seen).toEqual(["before", "one", "after"]);
});

test("a call whose signal is aborted is cancelled, here and at the server", async () => {
  const { promise: cancelled, resolve } = Promise.withResolvers<unknown>();
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  await using pair = await greeterPair({
    implementation: {
      async sayHello(_request, { signal }) {
        start();
        await once(signal, "abort");
        resolve(signal.reason);
        return {};
      },
    },
  });
  const leaving = new AbortController();
  const call = failure(pair.greeter.sayHello({}, { signal: leaving.signal }));
  await started;
  leaving.abort();
  expect(await call).toMatchObject({ code: Code.CANCELLED });
  expect(await cancelled).toMatchObject({ code: Code.CANCELLED });
});

test("a call that is cancelled before it starts, or whose deadline is past, never leaves", async () => {
  let calls = 0;
  await using pair = await greeterPair({
    implementation: {
      sayHello() {
        calls++;
        return {};
      },
    },
  });
  expect((await failure(pair.greeter.sayHello({}, { signal: AbortSignal.abort() }))).code).toBe(Code.CANCELLED);
  expect((await failure(pair.greeter.sayHello({}, { timeoutMs: -1 }))).code).toBe(Code.DEADLINE_EXCEEDED);
  await pair.greeter.sayHello({});
  expect(calls).toBe(1);
});

test("the deadline ends a call, and the server's handler hears of it", async () => {
  const { promise: ended, resolve } = Promise.withResolvers<unknown>();
  await using pair = await greeterPair({
    implementation: {
      async sayHello(_request, { signal }) {
        await once(signal, "abort");
        resolve(signal.reason);
        return {};
      },
    },
  });
  await pair.channel.ready(Greeter);
  expect((await failure(pair.greeter.sayHello({}, { timeoutMs: 500 }))).code).toBe(Code.DEADLINE_EXCEEDED);
  expect(RpcError.is(await ended)).toBe(true);
});

test.each([
  ["a request that is no object", (g: any) => g.sayHello(null), "/greeter.v1.Greeter/SayHello"],
  [
    "metadata under a key of gRPC's own",
    (g: any) => g.sayHello({}, { metadata: { "grpc-timeout": "1S" } }),
    "grpc-timeout",
  ],
  ["metadata that is no ASCII", (g: any) => g.sayHello({}, { metadata: { name: "Zoë" } }), '"name"'],
  ["a timeout that is no number", (g: any) => g.sayHello({}, { timeoutMs: Number.NaN }), "timeoutMs"],
  ["one message where a stream belongs", (g: any) => g.chat({ name: "Ada" }).next(), "AsyncIterable"],
])("%s is refused as INVALID_ARGUMENT before anything is sent", async (_what, call, named) => {
  await using pair = await greeterPair();
  const error = await failure(call(pair.greeter));
  expect(error.code).toBe(Code.INVALID_ARGUMENT);
  expect(error.message).toContain(named);
});

test("a reader who has cancelled gets CANCELLED, whatever replies have come before", async () => {
  await using pair = await greeterPair({
    implementation: {
      async *chat() {
        for (const message of ["one", "two", "three"]) yield { message };
      },
    },
  });
  const leaving = new AbortController();
  const replies = pair.greeter.chat([], { signal: leaving.signal });
  expect((await replies.next()).value).toEqual({ message: "one" });
  await pair.greeter.sayHello({}); // What the stream sent has long come.
  leaving.abort();
  expect((await failure(replies.next())).code).toBe(Code.CANCELLED);
  expect(await replies.next()).toEqual({ done: true, value: undefined });
});

test("a request stream that throws ends the call with what it threw", async () => {
  await using pair = await greeterPair();
  async function* names() {
    yield { name: "Ada" };
    throw new RpcError(Code.ABORTED, "no more names");
  }
  const error = await failure(
    (async () => {
      for await (const _ of pair.greeter.chat(names()));
    })(),
  );
  expect(error).toMatchObject({ code: Code.ABORTED, message: "no more names" });
});

test("a channel that is told of no server says what to give it", () => {
  expect(() => createChannel({} as never)).toThrow("endpoints");
  expect(() => createChannel({ endpoints: ["localhost"] })).toThrow("localhost");
});

test.each([http2(), grpcJs(), memoryTransport()])(
  "closing a channel over $name ends a stream that nobody reads any more",
  async (transport) => {
    const server = createServer({ transport }).add(Greeter, {
      ...greetings,
      async *chat(_hellos, { signal }) {
        yield { message: "one" };
        await once(signal, "abort");
      },
    });
    const address = await server.listen(transport.name === "memory" ? "greeter:1" : "127.0.0.1:0");
    const channel = createChannel({ transport, endpoints: [address] });
    const abandoned = createClient(Greeter, channel).chat([]);
    expect(await abandoned.next()).toEqual({ done: false, value: { message: "one" } });
    await channel.close(20);
    expect(await failure(abandoned.next())).toMatchObject({ code: Code.UNAVAILABLE });
    await server.close({ timeoutMs: 0 });
  },
);
