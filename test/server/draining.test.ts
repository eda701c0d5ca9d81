import { EventEmitter, on, once } from "node:events";
import {
  Code,
  createChannel,
  createClient,
  createServer,
  type HandlerContext,
  RpcError,
  type Server,
  type ServerOptions,
} from "trunkline";
import { describe, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { Health } from "../../gen/grpc/health/v1/health.rpc.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection.rpc.ts";
import { Cancellation } from "../../src/core/cancellation.ts";
import { createDraining } from "../../src/server/draining.ts";
import { makeCall } from "../balance/fakes.ts";
import { greetings } from "../support/greeter.ts";
import { wires } from "../support/wires.ts";

const failure = (call: Promise<unknown>): Promise<RpcError> =>
  call.then(() => expect.fail("it succeeded"), RpcError.from);

type Chat = (hellos: AsyncIterable<unknown>, context: HandlerContext) => AsyncIterable<{ message: string }>;

/** Waits for what never comes, or until the server drains. */
const heeding = (name: string): Chat =>
  async function* (_hellos, { signal, draining }) {
    yield { message: name };
    for await (const [message] of on(new EventEmitter(), "news", { signal: AbortSignal.any([signal, draining]) })) {
      yield { message };
    }
  };

const deaf = (ended: (reason: unknown) => void): Chat =>
  async function* (_hellos, { signal }) {
    yield { message: "one" };
    await once(signal, "abort");
    ended(signal.reason);
  };

describe.each(wires)("over %s", (_name, wire) => {
  const transport = wire();
  const start = (chat: Chat, options: ServerOptions = {}): Server =>
    createServer({ ...options, transport }).add(Greeter, { ...greetings, chat });

  test("a stream that ends because the server drains lets it close at once, and goes on elsewhere", async () => {
    const servers = ["a", "b"].map((name) => start(heeding(name), { drain: { timeoutMs: 60_000 } }));
    const endpoints = await Promise.all(servers.map((server) => server.listen("127.0.0.1:0")));
    const channel = createChannel({ endpoints, transport });
    const greeter = createClient(Greeter, channel);
    const follow = async () => {
      const stream = greeter.chat([]);
      return { stream, name: (await stream.next()).value?.message };
    };
    let one = await follow();
    while (one.name !== "a") one = await follow();
    const reading = failure(one.stream.next());
    const closed = servers[0]?.close();
    expect(await reading).toMatchObject({ code: Code.UNAVAILABLE, message: "the server is shutting down" });
    for (let i = 0; i < 5; i++) expect((await follow()).name).toBe("b");
    await closed;
    await channel.close(0);
    await servers[1]?.close({ timeoutMs: 0 });
  });

  test("a stream that does not heed the drain is ended after its own grace, and calls go on", async () => {
    const heard = Promise.withResolvers<unknown>();
    const release = Promise.withResolvers<void>();
    const began = Promise.withResolvers<void>();
    const server = createServer({ transport, drain: { timeoutMs: 60_000, streamGraceMs: 50 } }).add(Greeter, {
      ...greetings,
      chat: deaf(heard.resolve),
      async sayHello() {
        began.resolve();
        await release.promise;
        return { message: "Hello" };
      },
    });
    const channel = createChannel({ endpoints: [await server.listen("127.0.0.1:0")], transport });
    const greeter = createClient(Greeter, channel);
    const stream = greeter.chat([]);
    await stream.next();
    const call = greeter.sayHello({});
    await began.promise;
    const reading = failure(stream.next());
    const closed = server.close();
    expect(await reading).toMatchObject({ code: Code.UNAVAILABLE, message: "the server is shutting down" });
    expect(await heard.promise).toMatchObject({ code: Code.UNAVAILABLE });
    release.resolve();
    expect(await call).toEqual({ message: "Hello" });
    await closed;
    await channel.close();
  });

  test("a handler that waits for the drain hears of it before its stream is ended", async () => {
    const asked = Promise.withResolvers<HandlerContext>();
    const server = start(async function* (_hellos, context) {
      asked.resolve(context);
      yield { message: "one" };
      await once(context.signal, "abort");
    });
    const channel = createChannel({ endpoints: [await server.listen("127.0.0.1:0")], transport });
    const stream = createClient(Greeter, channel).chat([]);
    await stream.next();
    const { draining } = await asked.promise;
    expect(draining.aborted).toBe(false);
    const reading = failure(stream.next());
    const closed = server.close({ timeoutMs: 300 });
    await once(draining, "abort");
    expect(draining.reason).toMatchObject({ code: Code.UNAVAILABLE });
    expect(await reading).toMatchObject({ code: Code.UNAVAILABLE });
    await closed;
    await channel.close();
  });

  test("health and reflection do not hold up the close, whatever their clients do", async () => {
    const server = createServer({ transport, drain: { timeoutMs: 60_000 } }).add(Greeter, greetings);
    const channel = createChannel({ endpoints: [await server.listen("127.0.0.1:0")], transport });
    const watch = createClient(Health, channel).watch({});
    await watch.next();
    const asking = Promise.withResolvers<void>();
    const reflection = createClient(ServerReflection, channel).serverReflectionInfo(
      (async function* () {
        yield { messageRequest: { $case: "listServices" as const, value: "" } };
        await asking.promise;
      })(),
    );
    await reflection.next();
    await server.close();
    asking.resolve();
    await channel.close(0);
  });
});

test("a drain keeps nothing of the calls that are over", () => {
  const draining = createDraining();
  for (let i = 0; i < 1_000; i++) {
    const cancellation = new Cancellation();
    draining.signalFor(makeCall({ cancellation }));
    cancellation.end();
  }
  expect(draining.following).toBe(0);
});

test("nor where an interceptor put another cancellation in the place of the call's", () => {
  const draining = createDraining();
  for (let i = 0; i < 1_000; i++) {
    const cancellation = new Cancellation();
    draining.signalFor(makeCall({ cancellation }).with({ cancellation: new AbortController().signal }));
    cancellation.end();
  }
  expect(draining.following).toBe(0);
});
