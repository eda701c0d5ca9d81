import { once } from "node:events";
import {
  createChannel,
  createClient,
  createServer,
  memoryPolicies,
  memoryRegistry,
  type PolicyStore,
  type ServicePolicy,
} from "trunkline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import type { Channel, ChannelOptions } from "../../src/client/channel.ts";
import { Code } from "../../src/core/code.ts";
import { now } from "../../src/core/deadline.ts";
import { createDevEtcd, type DevEtcd } from "../../src/devetcd/index.ts";
import { etcdPolicies } from "../../src/registry/etcd/index.ts";
import { hasEtcd, startEtcd, type TestEtcd } from "../support/etcd.ts";
import { greetings } from "../support/greeter.ts";
import { createLog } from "../support/log.ts";
import { watchPolicies } from "../support/policies.ts";

const by = "alice@ops";
const { sayHello } = Greeter.methods;

function channelWith(policies: PolicyStore, options: Omit<ChannelOptions, "registry" | "endpoints"> = {}): Channel {
  return createChannel({ ...options, endpoints: ["127.0.0.1:1"], policies });
}

test("what operators say stands over the channel's policy and the contract's, and under a call's own options", async () => {
  const policies = memoryPolicies();
  const policy = { timeoutMs: 3_000, methods: { "greeter.v1.Greeter": { timeoutMs: 2_000 } } };
  await using channel = channelWith(policies, { policy });
  const set = (service: string, policy: object) => policies.set(service, { policy, by });
  expect(channel.policyOf(sayHello).timeoutMs).toBe(2_000);
  await set("*", { timeoutMs: 1_500, waitForReady: true });
  expect(channel.policyOf(sayHello)).toMatchObject({ timeoutMs: 1_500, waitForReady: true });
  await set("greeter.v1.Greeter", { timeoutMs: 1_000 });
  await set("greeter.v1.GreeterX", { timeoutMs: 9 });
  expect(channel.policyOf(sayHello).timeoutMs).toBe(1_000);
  await set("greeter.v1.Greeter", { timeoutMs: 1_000, methods: { SayHello: { timeoutMs: 500 } } });
  expect(channel.policyOf(sayHello).timeoutMs).toBe(500);
  expect(channel.policyOf(Greeter.methods.sayHelloAgain).timeoutMs).toBe(1_000);
  await set("greeter.v1.Greeter", {});
  await set("*", {});
  expect(channel.policyOf(sayHello).timeoutMs).toBe(2_000);
});

test("the policy of a method is the same object until something changes", async () => {
  const policies = memoryPolicies();
  await using channel = channelWith(policies);
  const before = channel.policyOf(sayHello);
  expect(channel.policyOf(sayHello)).toBe(before);
  await policies.set("*", { policy: { timeoutMs: 1 }, by });
  expect(channel.policyOf(sayHello)).not.toBe(before);
});

test("new calls of a client that was made before follow a new timeout, and calls under way keep theirs", async () => {
  const policies = memoryPolicies();
  const server = createServer();
  const began = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const implementation = {
    ...greetings,
    async sayHello({ name }: { name: string }, { signal }: { signal: AbortSignal }) {
      began.resolve();
      await (name === "patient" ? go.promise : once(signal, "abort"));
      return { message: name };
    },
  };
  const address = await server.add(Greeter, implementation).listen("127.0.0.1:0");
  await using channel = createChannel({ endpoints: [address], policies });
  const greeter = createClient(Greeter, channel);
  const patient = greeter.sayHello({ name: "patient" });
  await began.promise;
  await policies.set("greeter.v1.Greeter", { policy: { methods: { SayHello: { timeoutMs: 50 } } }, by });
  const since = now();
  await expect(greeter.sayHello({ name: "late" })).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
  expect(now() - since).toBeLessThan(5_000);
  await policies.set("greeter.v1.Greeter", { policy: { timeoutMs: 50 }, by });
  const ownSince = now();
  await expect(greeter.sayHello({ name: "own" }, { timeoutMs: 150 })).rejects.toThrow("the deadline of");
  expect(now() - ownSince).toBeGreaterThan(100);
  go.resolve();
  expect((await patient).message).toBe("patient");
  await server.close({ timeoutMs: 0 });
});

test("retries and limits of size are turned on and off while clients stand", async () => {
  const policies = memoryPolicies();
  const server = createServer();
  let attempts = 0;
  const failing = () => {
    attempts++;
    throw Object.assign(new Error("not now"), { code: "UNAVAILABLE" });
  };
  const address = await server
    .add(Probe, { echo: failing, expand: failing, collect: failing, converse: failing } as never)
    .listen("127.0.0.1:0");
  await using channel = createChannel({ endpoints: [address], breaker: false, policies });
  const probe = createClient(Probe, channel);
  const attemptsOf = async (call: () => Promise<unknown>) => {
    attempts = 0;
    await call().catch(() => {});
    return attempts;
  };
  const echo = () => probe.echo({ text: "x".repeat(100), data: new Uint8Array() });
  const set = (policy: object) => policies.set("probe.v1.Probe", { policy, by });
  const retry = { initialBackoffMs: 0, maxBackoffMs: 0, retryableCodes: ["UNKNOWN", "INTERNAL", "UNAVAILABLE"] };
  await set({ retry: { ...retry, maxAttempts: 2 } });
  const isSafe = Probe.methods.echo.idempotency !== ("IDEMPOTENCY_UNKNOWN" as string);
  expect(await attemptsOf(echo)).toBe(isSafe ? 2 : 1);
  await set({ retry: false });
  expect(await attemptsOf(echo)).toBe(1);
  await set({ methods: { Echo: { maxRequestBytes: 50 } } });
  await expect(echo()).rejects.toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
  await set({});
  expect(await attemptsOf(echo)).toBeGreaterThan(0);
  await server.close({ timeoutMs: 0 });
});

test("a method that the service has not, and a retry of one that is not safe, are told once and break no call", async () => {
  const log = createLog();
  const policies = memoryPolicies();
  await using channel = channelWith(policies, { logger: log });
  const unsafe = Object.values(Greeter.methods).find(
    ({ idempotency }) => String(idempotency) === "IDEMPOTENCY_UNKNOWN",
  );
  const name = unsafe?.name ?? "";
  const methods = { SayHelo: { timeoutMs: 5 }, ...(unsafe && { [name]: { retry: { maxAttempts: 3 } } }) };
  const { revision } = await policies.set("greeter.v1.Greeter", { policy: { methods }, by });
  createClient(Greeter, channel);
  createClient(Greeter, channel);
  const told = log.of("warn").map(({ fields }) => fields);
  expect(told[0]).toEqual({
    service: "greeter.v1.Greeter",
    revision,
    reason: "methods.SayHelo: greeter.v1.Greeter has no such method: did you mean SayHello?",
  });
  if (unsafe !== undefined) {
    expect(told[1]?.reason).toBe(`methods.${name}.retry is left out: ${name} is not declared safe to send twice`);
    expect(channel.policyOf(unsafe).retry).toBeUndefined();
  }
  expect(told.length).toBe(unsafe === undefined ? 1 : 2);
});

test("a channel that is closed listens no more, and what is no source is refused", async () => {
  const policies = memoryPolicies();
  const channel = channelWith(policies);
  await channel.close();
  await policies.set("*", { policy: { timeoutMs: 1 }, by });
  expect(channel.policyOf(sayHello).timeoutMs).toBe(10_000);
  const wrong = { policies: { timeoutMs: 5 } as never, endpoints: ["127.0.0.1:1"] };
  expect(() => createChannel(wrong)).toThrow("policies is an object: give an object with the functions watch, such as");
});

/** Channels of a fleet: each with a source of its own, as if each were a process. */
function fleet(url: string, count: number) {
  const stores = Array.from({ length: count }, () => etcdPolicies(url));
  const channels = stores.map((policies) => channelWith(policies));
  const operator = etcdPolicies(url);
  return {
    operator,
    channels,
    async knowing() {
      await Promise.all(stores.map((store) => watchPolicies(store).until(() => true)));
    },
    /** Milliseconds until every channel follows. */
    async followed(timeoutMs: number) {
      const since = now();
      await operator.set("greeter.v1.Greeter", { policy: { timeoutMs }, by });
      const holds = stores.map((store) =>
        watchPolicies(store).until(
          ({ policies }) => policies.get("greeter.v1.Greeter")?.policy.timeoutMs === timeoutMs,
          10_000,
        ),
      );
      await Promise.all(holds);
      expect(channels.map((channel) => channel.policyOf(sayHello).timeoutMs)).toEqual(channels.map(() => timeoutMs));
      return now() - since;
    },
    async [Symbol.asyncDispose]() {
      for (const channel of channels) await channel.close();
      for (const store of [...stores, operator]) await store.close();
    },
  };
}

describe("over the dev registry", () => {
  let server: DevEtcd;
  beforeAll(async () => {
    server = createDevEtcd();
    await server.listen();
  });
  afterAll(() => server.close());

  test("thirty channels follow a change within a second", async () => {
    await using here = fleet(server.uri ?? "", 30);
    await here.knowing();
    expect(Math.min(await here.followed(700), await here.followed(600), await here.followed(500))).toBeLessThan(1_000);
  });
});

describe.runIf(hasEtcd)("over a real etcd", () => {
  let server: TestEtcd;
  beforeAll(async () => {
    server = await startEtcd();
  });
  afterAll(() => server.stop());

  test("thirty channels follow a change within a second, keep it while etcd is away, and follow again after", async () => {
    await using here = fleet(server.urls[0] ?? "", 30);
    await here.knowing();
    expect(Math.min(await here.followed(700), await here.followed(600), await here.followed(500))).toBeLessThan(1_000);
    const away = watchPolicies(here.operator);
    await server.nodes[0]?.kill();
    await away.until(({ state }) => state === "stale");
    expect(here.channels.map((channel) => channel.policyOf(sayHello).timeoutMs)).toEqual(here.channels.map(() => 500));
    await server.nodes[0]?.start();
    await here.followed(400);
  });
});

describe("of servers of two versions", () => {
  /** Servers that answer with their version, and how many of `count` calls each got. */
  async function versions(...all: readonly string[]) {
    const registry = memoryRegistry();
    const policies = memoryPolicies();
    const servers = all.map((version) => {
      const server = createServer({ registry, metadata: { version, zone: "a" } });
      return server.add(Greeter, { ...greetings, sayHello: () => ({ message: version }) });
    });
    for (const server of servers) {
      await server.listen("127.0.0.1:0");
      await server.registered;
    }
    const channel = createChannel({ registry, policies });
    const greeter = createClient(Greeter, channel);
    const set = (policy: ServicePolicy) => policies.set("greeter.v1.Greeter", { policy, by });
    return {
      set,
      channel,
      /** Until all servers are connected, and after that the calls that each version got. */
      async counted(count: number) {
        const counts = new Map(all.map((version) => [version, 0]));
        for (let i = 0; i < count; i++) {
          const { message } = await greeter.sayHello({ name: "" });
          counts.set(message, (counts.get(message) ?? 0) + 1);
        }
        return Object.fromEntries(counts);
      },
      async [Symbol.asyncDispose]() {
        await channel.close();
        for (const server of servers) await server.close({ timeoutMs: 0 });
      },
    };
  }

  test("a canary gets its share, all of it or nothing, and what it had when it is taken back", async () => {
    await using here = await versions("1", "1.1", "2");
    // All are connected.
    await expect.poll(async () => Math.min(...Object.values(await here.counted(30)))).toBeGreaterThan(0);
    const match = { version: "2", zone: "a" };
    await here.set({ canary: { match, share: 0 } });
    expect(await here.counted(60)).toMatchObject({ "2": 0 });
    await here.set({ canary: { match, share: 1 } });
    expect(await here.counted(60)).toEqual({ "1": 0, "1.1": 0, "2": 60 });
    await here.set({ canary: { match, share: 0.2 } });
    const { 2: canaries = 0, 1: others = 0 } = await here.counted(500);
    expect(canaries).toBeGreaterThan(50);
    expect(canaries).toBeLessThan(150);
    expect(others).toBeGreaterThan(150);
    await here.set({});
    expect(Object.values(await here.counted(30))).toEqual([10, 10, 10]);
  });

  test("a canary that nobody is changes nothing, and where all are of it they take all", async () => {
    await using here = await versions("1", "2");
    await here.set({ canary: { match: { version: "3" }, share: 1 } });
    await expect.poll(async () => Math.min(...Object.values(await here.counted(10)))).toBeGreaterThan(0);
    await here.set({ canary: { match: { zone: "a" }, share: 0 } });
    expect(Math.min(...Object.values(await here.counted(10)))).toBeGreaterThan(0);
  });
});

test("a server is taken out by what operators say, over the channel's breaker, and no longer when they take it back", async () => {
  const policies = memoryPolicies();
  const opened: unknown[] = [];
  const server = createServer();
  const failing = () => {
    throw new Error("broken");
  };
  const address = await server.add(Greeter, { ...greetings, sayHello: failing }).listen("127.0.0.1:0");
  await using channel = createChannel({
    endpoints: [address],
    policies,
    breaker: { consecutiveFaults: 1_000, faults: ["INTERNAL", "UNKNOWN"] },
    observers: [{ "circuit-opened": (fact) => opened.push(fact) }],
  });
  const greeter = createClient(Greeter, channel);
  const fail = async (times: number) => {
    for (let i = 0; i < times; i++) await greeter.sayHello({ name: "" }).catch(() => {});
  };
  const set = (service: string, policy: ServicePolicy) => policies.set(service, { policy, by });
  await set("*", { ejection: { minimumCalls: 1_000 } });
  await fail(10);
  expect(opened).toEqual([]);
  await set("greeter.v1.Greeter", {
    ejection: { consecutiveFaults: 2, minimumCalls: 1_000, openMs: 60_000, maxOpenMs: 60_000 },
  });
  await fail(1);
  expect(opened).toMatchObject([{ peer: address }]);
  expect((opened[0] as { openMs: number }).openMs).toBeGreaterThanOrEqual(30_000);
  await server.close({ timeoutMs: 0 });
});
