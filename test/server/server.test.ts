import { Writable } from "node:stream";
import { pino } from "pino";
import { Code, createChannel, createClient, createServer, detail, memoryRegistry, RpcError } from "trunkline";
import { expect, test } from "vitest";
import { BadRequest, ErrorInfo } from "../../gen/google/rpc/error_details.ts";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { UnimplementedService } from "../../gen/grpc/testing/test.rpc.ts";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { greeterPair, greetings } from "../support/greeter.ts";
import { createLog } from "../support/log.ts";
import { watchService } from "../support/snapshots.ts";

const failure = (call: Promise<unknown>): Promise<RpcError> =>
  call.then(() => expect.fail("it succeeded"), RpcError.from);

test("a handler's RpcError reaches the client: code, message, rich details, trailers", async () => {
  const violation = { fieldViolations: [{ field: "name", description: "give a name" }] };
  await using pair = await greeterPair({
    implementation: {
      sayHello(_request, context) {
        context.header = { "x-header": "h" };
        throw new RpcError(Code.INVALID_ARGUMENT, "the näme is 100 % empty", {
          details: [detail(BadRequest, violation)],
        });
      },
    },
  });
  const error = await failure(pair.greeter.sayHello({}));
  expect(error).toMatchObject({ code: Code.INVALID_ARGUMENT, message: "the näme is 100 % empty", peer: pair.address });
  expect(error.header.get("x-header")).toBe("h");
  expect(error.detailsOf(BadRequest)).toMatchObject([violation]);
  expect(error.detailsOf(ErrorInfo)).toEqual([]);
});

test.each([
  [
    "throws",
    () => {
      throw new Error("secret");
    },
  ],
  ["rejects", () => Promise.reject(new Error("secret"))],
])(
  "what a handler %s that is no RpcError is UNKNOWN, and only the server's log has the reason",
  async (_how, sayHello) => {
    let log = "";
    const logger = pino(
      {},
      new Writable({
        write: (chunk, _encoding, done) => {
          log += chunk;
          done();
        },
      }),
    );
    await using pair = await greeterPair({ implementation: { sayHello: sayHello as () => never }, server: { logger } });
    const error = await failure(pair.greeter.sayHello({}));
    expect(error.code).toBe(Code.UNKNOWN);
    expect(error.message).toContain("/greeter.v1.Greeter/SayHello");
    expect(error.message).not.toContain("secret");
    expect(log).toContain("secret");
  },
);

test.each([
  ["nothing", undefined, "undefined"],
  ["a text", "Hello", "Hello"],
  ["a field of another type", { message: 5 }, "greeter.v1.HelloReply"],
])("a handler that returns %s fails with INTERNAL that names what belongs there", async (_what, reply, named) => {
  await using pair = await greeterPair({
    implementation: {
      sayHello: () => reply as never,
      async *chat() {
        yield reply as never;
      },
    },
  });
  for (const call of [pair.greeter.sayHello({}), pair.greeter.chat([]).next()]) {
    const error = await failure(call);
    expect(error.code).toBe(Code.INTERNAL);
    expect(error.message).toContain("greeter.v1.HelloReply");
    expect(error.message).toContain(named);
  }
  expect((await pair.greeter.sayHelloAgain({ name: "Ada" })).message).toBe("Hello again, Ada");
});

test("a stream's handler that returns no stream fails with INTERNAL", async () => {
  await using pair = await greeterPair({ implementation: { chat: () => ({ message: "Hello" }) as never } });
  expect(await failure(pair.greeter.chat([]).next())).toMatchObject({ code: Code.INTERNAL });
});

test("of an error of a call made in turn the client learns the code, and the server's log the rest", async () => {
  await using behind = await greeterPair({
    implementation: {
      sayHello(_request, context) {
        context.trailer = { "x-trailer": "t" };
        throw new RpcError(Code.NOT_FOUND, "no such name in 10.0.0.7", { details: [detail(ErrorInfo, {})] });
      },
    },
  });
  const log = createLog();
  await using front = await greeterPair({
    implementation: {
      sayHello: (request) => behind.greeter.sayHello(request),
      async sayHelloAgain(request) {
        try {
          return await behind.greeter.sayHello(request);
        } catch (error) {
          throw new RpcError(Code.NOT_FOUND, "nobody has that name", { details: (error as RpcError).details });
        }
      },
    },
    server: { logger: log },
  });
  const error = await failure(front.greeter.sayHello({}));
  expect(error).toMatchObject({ code: Code.NOT_FOUND, peer: front.address, details: [] });
  expect(error.message).toBe(
    "/greeter.v1.Greeter/SayHello failed in a call that it made; the server's log has the reason",
  );
  expect(error.metadata.size).toBe(0);
  expect(log.of("warn").map(({ fields }) => fields)).toMatchObject([
    { err: { message: "no such name in 10.0.0.7" }, called: "/greeter.v1.Greeter/SayHello", peer: behind.address },
  ]);

  const told = await failure(front.greeter.sayHelloAgain({}));
  expect(told).toMatchObject({ code: Code.NOT_FOUND, message: "nobody has that name" });
  expect(told.detailsOf(ErrorInfo)).toHaveLength(1);
});

test("an error that says that no server is there names none to the client", async () => {
  await using nowhere = createChannel({ endpoints: ["127.0.0.1:1"] });
  const secret = createClient(Greeter, nowhere);
  await using front = await greeterPair({ implementation: { sayHello: (request) => secret.sayHello(request) } });
  const error = await failure(front.greeter.sayHello({}));
  expect(error.code).toBe(Code.UNAVAILABLE);
  expect(error.message).not.toContain("127.0.0.1:1");
});

test("a service or a method that the server lacks is UNIMPLEMENTED, and says which", async () => {
  await using pair = await greeterPair();
  const probe = createClient(Probe, pair.channel);
  const noService = await failure(probe.echo({}));
  expect(noService).toMatchObject({ code: Code.UNIMPLEMENTED });
  expect(noService.message).toContain("probe.v1.Probe");
});

test("of a long name that nobody serves, the status says the beginning", async () => {
  await using pair = await greeterPair();
  const method = { ...Greeter.methods.sayHello, path: `/${"é".repeat(1500)}/SayHello` };
  const service = { ...Greeter, methods: { ...Greeter.methods, sayHello: method } };
  const error = await failure(createClient(service, pair.channel).sayHello({ name: "x" }));
  expect(error.code).toBe(Code.UNIMPLEMENTED);
  expect(error.message.length).toBeLessThan(400);
});

test("a service is added whole, once, and before listening", async () => {
  const server = createServer();
  expect(() => server.add(Greeter, { sayHello: () => ({}) } as never)).toThrow("has no function sayHelloAgain");
  server.add(Greeter, greetings);
  expect(() => server.add(Greeter, greetings)).toThrow("greeter.v1.Greeter was added already");
  await server.listen("127.0.0.1:0");
  expect(() => server.add(Greeter, greetings)).toThrow("add greeter.v1.Greeter before listen");
  await server.close();
});

test("a port that is taken is an error that names it, and another can be tried", async () => {
  await using pair = await greeterPair();
  await using server = createServer().add(Greeter, greetings);
  const error = await failure(server.listen(pair.address));
  expect(error.code).toBe(Code.UNAVAILABLE);
  expect(error.message).toContain(pair.address);
  expect(await server.listen("127.0.0.1:0")).toMatch(/^127\.0\.0\.1:\d+$/);
});

test.each(["50051", "localhost", "127.0.0.1:99999", "::1:50051"])(
  "%s is no address to listen on, and the error says how to write one",
  async (address) => {
    const server = createServer().add(Greeter, greetings);
    await expect(server.listen(address)).rejects.toThrow(address);
  },
);

test("a server registers once its port is bound, under every service, and leaves before it closes", async () => {
  const registry = memoryRegistry();
  const server = createServer({ registry, metadata: { zone: "a" } }).add(Greeter, greetings);
  const seen: string[][] = [];
  const stop = registry.resolve("greeter.v1.Greeter", ({ endpoints }) =>
    seen.push(endpoints.map(({ address }) => address)),
  );
  const address = await server.listen("127.0.0.1:0");
  await server.registered;
  const channel = createChannel({ registry });
  expect((await createClient(Greeter, channel).sayHello({ name: "Ada" })).message).toBe("Hello Ada");
  await server.close();
  stop();
  await channel.close();
  expect(seen.at(-1)).toEqual([]);
  expect(seen).toContainEqual([address]);
});

test("the entry of a service says which methods it has, and nothing of the server's other services", async () => {
  const registry = memoryRegistry();
  await using server = createServer({ registry, metadata: { zone: "a" } })
    .add(Greeter, greetings)
    .add(UnimplementedService, { unimplementedCall: () => ({}) });
  await server.listen("127.0.0.1:0");
  const watched = watchService(registry, "grpc.testing.UnimplementedService");
  const { endpoints } = await watched.untilCurrent(server.address as string);
  const methods = "grpc.testing.UnimplementedService/UnimplementedCall";
  expect(endpoints[0]?.metadata).toEqual({ zone: "a", methods });
});

test("closing twice, or before listening, is fine", async () => {
  const server = createServer().add(Greeter, greetings);
  await server.close();
  const other = createServer().add(Greeter, greetings);
  await other.listen("127.0.0.1:0");
  await Promise.all([other.close(), other.close()]);
});

test("a stream that fails after its first message still sends its trailer, and no reason that is nobody's business", async () => {
  await using pair = await greeterPair({
    implementation: {
      async *chat(_hellos, context) {
        yield { message: "one" };
        context.trailer = { "x-trailer": "t" };
        throw new Error("secret");
      },
    },
  });
  const replies = pair.greeter.chat([]);
  await replies.next();
  const error = await failure(replies.next());
  expect(error.code).toBe(Code.UNKNOWN);
  expect(error.message).not.toContain("secret");
  expect(error.metadata.get("x-trailer")).toBe("t");
});

test("a reply of the wrong shape stands in the server's log, of a stream too", async () => {
  const logger = createLog();
  await using pair = await greeterPair({
    server: { logger },
    implementation: {
      sayHello: async () => null as never,
      async *chat() {
        yield { message: "1" };
        yield 5 as never;
      },
    },
  });
  expect(await failure(pair.greeter.sayHello({}))).toMatchObject({ code: Code.INTERNAL });
  const replies = pair.greeter.chat([])[Symbol.asyncIterator]();
  await replies.next();
  expect(await failure(replies.next())).toMatchObject({ code: Code.INTERNAL });
  const methods = logger.of("error").map(({ fields }) => fields.method);
  expect(methods).toEqual(["/greeter.v1.Greeter/SayHello", "/greeter.v1.Greeter/Chat"]);
});
