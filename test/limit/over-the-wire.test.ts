import { concurrencyLimit, type Interceptor, rateLimit } from "trunkline";
import { expect, test } from "vitest";
import { Code } from "../../src/core/code.ts";
import { pushbackOf } from "../../src/core/pushback.ts";
import { grpcJs } from "../../src/transport/grpc-js/index.ts";
import { http2 } from "../../src/transport/http2/index.ts";
import { greeterPair } from "../support/greeter.ts";
import { wires } from "../support/wires.ts";

for (const transport of [http2(), grpcJs()]) {
  test(`a refusal reaches the client with the time to come back, over ${transport.name}`, async () => {
    const interceptors = [rateLimit({ perCaller: { perSecond: 1 } })];
    await using pair = await greeterPair({ server: { transport, interceptors }, channel: { transport } });
    await pair.greeter.sayHello({ name: "one" });
    const error = await pair.greeter.sayHello({ name: "two" }).catch((caught) => caught);
    expect(error).toMatchObject({
      code: Code.RESOURCE_EXHAUSTED,
      message: "over the limit of 1 calls a second for 127.0.0.1",
    });
    expect(pushbackOf(error.metadata)).toBeGreaterThan(500);
  });
}

for (const [name, wire] of wires) {
  test(`a call that waited is bound by its own deadline, and by no stranger's, over ${name}`, async () => {
    const transport = wire();
    const left = new Map<unknown, number>();
    const note: Interceptor = (next) => (call) => {
      left.set((call.request as { name: string }).name, call.remainingMs);
      return next(call);
    };
    await using behind = await greeterPair({ server: { transport }, channel: { transport, interceptors: [note] } });
    const limit = concurrencyLimit({ initialLimit: 1, minLimit: 1, maxLimit: 1, maxWaitMs: 10_000 });
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    await using front = await greeterPair({
      server: { transport, interceptors: [limit] },
      channel: { transport },
      implementation: {
        async sayHello({ name }) {
          if (name === "first") await held;
          return behind.greeter.sayHello({ name }, { timeoutMs: 120_000 });
        },
      },
    });
    const first = front.greeter.sayHello({ name: "first" }, { timeoutMs: 20_000 });
    await expect.poll(() => limit.stats().inflight).toBe(1);
    const second = front.greeter.sayHello({ name: "second" }, { timeoutMs: 60_000 });
    await expect.poll(() => limit.stats().waiting).toBe(1);
    release();
    await Promise.all([first, second]);
    expect(left.get("first")).toBeLessThanOrEqual(20_000);
    expect(left.get("second")).toBeGreaterThan(20_000);
    expect(left.get("second")).toBeLessThanOrEqual(60_000);
  });
}

for (const [name, wire] of wires) {
  test(`handlers that never settle do not fill the server for ever, over ${name}`, async () => {
    const transport = wire();
    const limit = concurrencyLimit({ initialLimit: 1, minLimit: 1, maxLimit: 1, maxWaiting: 0 });
    await using pair = await greeterPair({
      server: { transport, interceptors: [limit] },
      channel: { transport },
      implementation: { sayHelloAgain: () => new Promise<never>(() => {}) },
    });
    await pair.greeter.sayHello({});
    for (let i = 0; i < 3; i++) {
      const hung = pair.greeter.sayHelloAgain({}, { timeoutMs: 150 }).catch((error) => error);
      expect(await hung).toMatchObject({ code: Code.DEADLINE_EXCEEDED });
      await expect.poll(() => limit.stats().inflight).toBe(0);
    }
    expect((await pair.greeter.sayHello({ name: "Ada" })).message).toBe("Hello Ada");
    expect(limit.stats().abandoned).toBe(3);
  });
}

test("a server with room answers through the limit as without it, streams too", async () => {
  await using pair = await greeterPair({ server: { interceptors: [concurrencyLimit({ maxWaitMs: 10_000 })] } });
  const names = Array.from({ length: 500 }, (_, i) => `${i}`);
  const replies = await Promise.all(names.map((name) => pair.greeter.sayHello({ name })));
  expect(replies.map(({ message }) => message)).toEqual(names.map((name) => `Hello ${name}`));
  const greetings: string[] = [];
  for await (const { message } of pair.greeter.chat(names.slice(0, 10).map((name) => ({ name })))) {
    greetings.push(message);
  }
  expect(greetings).toHaveLength(10);
});
