import { Writable } from "node:stream";
import { pino } from "pino";
import {
  createChannel,
  createClient,
  createServer,
  memoryPolicies,
  type ServerOptions,
  type ServicePolicy,
} from "trunkline";
import { expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { Health } from "../../gen/grpc/health/v1/health.rpc.ts";
import { Code } from "../../src/core/code.ts";
import { greetings } from "../support/greeter.ts";

const by = "alice@ops";

async function serving(options: Omit<ServerOptions, "policies"> = {}) {
  const policies = memoryPolicies();
  const server = createServer({ ...options, policies });
  const address = await server.add(Greeter, greetings).listen("127.0.0.1:0");
  const channel = createChannel({ endpoints: [address], policy: { retry: false } });
  const greeter = createClient(Greeter, channel);
  return {
    channel,
    set: (policy: ServicePolicy, service = "greeter.v1.Greeter") => policies.set(service, { policy, by }),
    /** How many of so many calls are let through; the others are RESOURCE_EXHAUSTED. */
    async through(calls: number, method: "sayHello" | "sayHelloAgain" = "sayHello") {
      const all = await Promise.allSettled(Array.from({ length: calls }, () => greeter[method]({ name: "" })));
      const refused = all.flatMap((each) => (each.status === "rejected" ? [each.reason.code] : []));
      expect(new Set(refused).size).toBeLessThanOrEqual(1);
      if (refused.length > 0) expect(refused[0]).toBe(Code.RESOURCE_EXHAUSTED);
      return calls - refused.length;
    },
    async [Symbol.asyncDispose]() {
      await channel.close();
      await server.close({ timeoutMs: 0 });
    },
  };
}

/** One call in a thousand seconds, after so many at once. */
const only = (burst: number) => ({ perSecond: 0.001, burst });

test("a server lets through what operators say, from the next call on, and all when they take it back", async () => {
  await using here = await serving();
  expect(await here.through(20)).toBe(20);
  await here.set({ rateLimit: only(3) });
  expect(await here.through(20)).toBe(3);
  await here.set({ rateLimit: only(7) });
  expect(await here.through(20)).toBe(7);
  await here.set({});
  expect(await here.through(20)).toBe(20);
});

test("limits are of a method, of a service and of a caller, and what else is said leaves the tokens as they are", async () => {
  await using here = await serving();
  await here.set({ methods: { SayHello: { rateLimit: only(2) } } });
  expect([await here.through(5), await here.through(5, "sayHelloAgain")]).toEqual([2, 5]);
  await here.set({ timeoutMs: 5_000, methods: { SayHello: { rateLimit: only(2) } } });
  expect(await here.through(5)).toBe(0);
  await here.set({ rateLimitPerCaller: only(4) });
  expect(await here.through(5)).toBe(4);
  await here.set({ rateLimit: only(1) }, "greeter.v1.Other");
  expect(await here.through(5)).toBe(0);
});

test("health is never refused, and interceptors are not asked about what is over a limit", async () => {
  let asked = 0;
  await using here = await serving({
    interceptors: [
      (next) => (call) => {
        asked++;
        return next(call);
      },
    ],
  });
  await here.set({ rateLimit: only(1) });
  await here.through(5);
  expect(asked).toBe(1);
  const health = createClient(Health, here.channel);
  for (let i = 0; i < 5; i++) expect((await health.check({ service: "" })).status).toBeDefined();
});

test("a refusal is told as a fact, and a method that the server has not", async () => {
  const facts: unknown[] = [];
  await using here = await serving({
    observers: [{ "limit-refused": (fact) => facts.push(fact), "names-unknown": (fact) => facts.push(fact) }],
  });
  await here.set({ rateLimit: only(1), methods: { SayHelo: { rateLimit: only(1) } } });
  await here.through(2);
  expect(facts).toMatchObject([{ names: ["/greeter.v1.Greeter/SayHelo"] }, { kind: "limit-refused", limit: "rate" }]);
});

test("the level of a pino logger is what operators say, and what it was when they take it back", async () => {
  const logger = pino({ level: "info" }, new Writable({ write: (_chunk, _encoding, done) => done() }));
  const policies = memoryPolicies();
  const server = createServer({ logger, policies });
  await server.add(Greeter, greetings).listen("127.0.0.1:0");
  const channel = createChannel({ endpoints: ["127.0.0.1:1"], logger, policies });
  const set = (policy: ServicePolicy) => policies.set("*", { policy, by });
  await set({ logLevel: "debug" });
  expect(logger.level).toBe("debug");
  await set({ logLevel: "warn", timeoutMs: 5 });
  expect(logger.level).toBe("warn");
  logger.level = "trace";
  await policies.set("a.v1.Other", { policy: { timeoutMs: 5 }, by });
  expect(logger.level).toBe("trace");
  await set({});
  expect(logger.level).toBe("info");
  await channel.close();
  await server.close();
  await set({ logLevel: "debug" });
  expect(logger.level).toBe("info");
});

test("a server that could not listen follows nothing, and one that listens again does", async () => {
  const policies = memoryPolicies();
  const taken = createServer();
  const address = await taken.add(Greeter, greetings).listen("127.0.0.1:0");
  const server = createServer({ policies });
  server.add(Greeter, greetings);
  await expect(server.listen(address)).rejects.toThrow("cannot listen");
  await taken.close();
  await policies.set("greeter.v1.Greeter", { policy: { rateLimit: only(1) }, by });
  const channel = createChannel({ endpoints: [await server.listen("127.0.0.1:0")], policy: { retry: false } });
  const greeter = createClient(Greeter, channel);
  await greeter.sayHello({ name: "" });
  await expect(greeter.sayHello({ name: "" })).rejects.toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
  await channel.close();
  await server.close();
});

test("what is no source is refused", () => {
  expect(() => createServer({ policies: {} as never })).toThrow(
    "policies is an object: give an object with the functions",
  );
});
