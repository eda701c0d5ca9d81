import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, createChannel, createClient, createServer, memoryRegistry, type Registrar } from "trunkline";
import { expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import type { DrainOptions } from "../../src/server/drain.ts";
import { grpcJs } from "../../src/transport/grpc-js/index.ts";
import { Flag, FrameType, PREFACE, Setting } from "../../src/transport/http2/frame.ts";
import { http2 } from "../../src/transport/http2/index.ts";
import { greetings } from "../support/greeter.ts";
import { createLog } from "../support/log.ts";
import { framed, rawSocket, requestBlock, uint32 } from "../transport/http2/raw-peer.ts";

test("a call in flight is finished before the server is gone", async () => {
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const { promise: finish, resolve: release } = Promise.withResolvers<void>();
  const server = createServer().add(Greeter, {
    ...greetings,
    async sayHello({ name }) {
      start();
      await finish;
      return { message: `Hello ${name}` };
    },
  });
  const channel = createChannel({ endpoints: [await server.listen("127.0.0.1:0")] });
  const call = createClient(Greeter, channel).sayHello({ name: "Ada" });
  await started;
  const closed = server.close();
  release();
  expect(await call).toEqual({ message: "Hello Ada" });
  await closed;
  await channel.close();
});

test("what does not finish in time ends with UNAVAILABLE, and its handler hears of it", async () => {
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const server = createServer().add(Greeter, {
    ...greetings,
    async sayHelloAgain(_request, { signal }) {
      start();
      await once(signal, "abort");
      end();
      return {};
    },
  });
  const channel = createChannel({ endpoints: [await server.listen("127.0.0.1:0")] });
  const call = createClient(Greeter, channel)
    .sayHelloAgain({})
    .catch((error) => error);
  await started;
  await server.close({ timeoutMs: 20 });
  expect(await call).toMatchObject({ code: Code.UNAVAILABLE });
  await ended;
  await channel.close();
});

test.each([http2(), grpcJs()])("a client that takes its last answer slowly has it whole ($name)", async (transport) => {
  const bytes = 12 * 1024 * 1024;
  let isSent = false;
  const server = createServer({
    transport,
    interceptors: [
      (next) => (call) => {
        call.origin?.onEnd(() => {
          isSent = true;
        });
        return next(call);
      },
    ],
  });
  server.add(Greeter, { ...greetings, sayHello: () => ({ message: "x".repeat(bytes) }) });
  const client = await rawSocket(await server.listen("127.0.0.1:0"));
  const window = Buffer.alloc(6);
  window.writeUInt16BE(Setting.INITIAL_WINDOW_SIZE, 0);
  window.writeUInt32BE(2 ** 30, 2);
  client.socket.write(PREFACE);
  client.send(FrameType.SETTINGS, 0, 0, window);
  client.send(FrameType.WINDOW_UPDATE, 0, 0, uint32(2 ** 30));
  client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, requestBlock("/greeter.v1.Greeter/SayHello"));
  client.send(FrameType.DATA, Flag.END_STREAM, 1, framed(Buffer.alloc(0)));
  const trailers = client.frame(({ type, flags }) => type === FrameType.HEADERS && (flags & Flag.END_STREAM) !== 0);
  const answerPings = async (): Promise<never> => {
    for (;;) {
      const { payload } = await client.frame(({ type, flags }) => type === FrameType.PING && flags === 0);
      client.send(FrameType.PING, Flag.ACK, 0, payload);
    }
  };
  answerPings().catch(() => {});
  await client.frame(({ type, flags }) => type === FrameType.HEADERS && (flags & Flag.END_STREAM) === 0);
  const closed = server.close();
  while (!isSent) {
    client.socket.resume();
    await once(client.socket, "data");
    client.socket.pause();
    await sleep(1);
  }
  // Longer than a connection is left open that has ended; and a client that reads says so.
  await sleep(1_500);
  client.send(FrameType.WINDOW_UPDATE, 0, 0, uint32(1));
  await sleep(100);
  client.socket.resume();
  expect((await trailers).id).toBe(1);
  await closed;
});

test("no call is lost while servers behind a registry are replaced one after the other", async () => {
  const registry = memoryRegistry();
  const start = async () => {
    const server = createServer({ registry, drain: { quietMs: 50 } }).add(Greeter, greetings);
    await server.listen("127.0.0.1:0");
    await server.registered;
    return server;
  };
  const servers = await Promise.all([start(), start(), start()]);
  const channel = createChannel({ registry });
  const greeter = createClient(Greeter, channel);
  let running = true;
  let calls = 0;
  const callers = Array.from({ length: 8 }, async () => {
    while (running) {
      // Not declared idempotent: nothing but an orderly drain keeps these whole.
      await greeter.sayHelloAgain({ name: "you" });
      calls++;
    }
  });
  for (const [at, old] of servers.entries()) {
    servers[at] = await start();
    await old.close();
  }
  running = false;
  await Promise.all(callers);
  expect(calls).toBeGreaterThan(20);
  await channel.close();
  await Promise.all(servers.map((server) => server.close()));
});

test("a dead registry does not hold up the close", async () => {
  const dead: Registrar = {
    register: () => ({ registered: new Promise(() => {}), close: () => Promise.resolve() }),
  };
  const server = createServer({ registry: dead }).add(Greeter, greetings);
  await server.listen("127.0.0.1:0");
  await server.close({ quietMs: 10 });
});

test("a registry that fails to take the server out does not keep it from closing", async () => {
  const log = createLog();
  const registry: Registrar = {
    register: () => ({ registered: Promise.resolve(), close: () => Promise.reject(new Error("the registry broke")) }),
  };
  const server = createServer({ registry, logger: log, drain: { quietMs: 0 } }).add(Greeter, greetings);
  const address = await server.listen("127.0.0.1:0");
  await server.close();
  expect(log.of("error")).toMatchObject([{ fields: { err: { message: "the registry broke" } } }]);
  await using next = createServer().add(Greeter, greetings);
  expect(await next.listen(address)).toBe(address);
});

test("without a registry it waits for quiet where that is asked for, and else does not", async () => {
  const taking = async (drain?: DrainOptions) => {
    const server = createServer().add(Greeter, greetings);
    await server.listen("127.0.0.1:0");
    const beganMs = performance.now();
    await server.close(drain);
    return performance.now() - beganMs;
  };
  expect(await taking({ quietMs: 400 })).toBeGreaterThanOrEqual(399);
  expect(await taking()).toBeLessThan(250);
});

test.each(["quietMs", "quietTimeoutMs", "timeoutMs", "streamGraceMs"])(
  "a %s that is no time is a TypeError, and cuts no call",
  async (name) => {
    for (const ms of [Number.NaN, -1, "5"]) {
      const drain = { [name]: ms } as DrainOptions;
      expect(() => createServer({ drain })).toThrow(`${name} is `);
      const server = createServer().add(Greeter, greetings);
      await server.listen("127.0.0.1:0");
      await expect(server.close(drain)).rejects.toThrow(TypeError);
      await server.close({ timeoutMs: 0.5, quietTimeoutMs: Number.POSITIVE_INFINITY });
    }
  },
);
