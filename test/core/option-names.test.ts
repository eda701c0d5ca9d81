import {
  concurrencyLimit,
  consistentHash,
  createChannel,
  createClient,
  createServer,
  http2,
  leastLoaded,
  MemoryBudget,
  memoryRegistry,
  peakEwma,
  rateLimit,
  registryFromUri,
  roundRobin,
  staticRegistry,
  subset,
  weighted,
  withSnapshot,
  zoneAware,
} from "trunkline";
import { etcd } from "trunkline/etcd";
import { injectFaults, inMemory } from "trunkline/testing";
import { describe, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { greeterPair, greetings } from "../support/greeter.ts";

const endpoints = ["127.0.0.1:1"];
const channel = (options: object) => () => createChannel({ endpoints, ...options } as never);
const server = (options: object) => () => createServer(options as never);
const none = (options: unknown) => options as never;

describe("an option that there is not is refused by its name:", () => {
  const wrong: readonly (readonly [what: string, make: () => unknown, message: string])[] = [
    ["createChannel", channel({ polcy: {} }), 'createChannel has no option "polcy": did you mean policy?'],
    ["createChannel", channel({ timeoutMs: 1 }), 'createChannel has no option "timeoutMs": give it to policy'],
    [
      "createChannel",
      channel({ maxConnections: 1 }),
      'createChannel has no option "maxConnections": give it to createServer',
    ],
    [
      "createChannel",
      channel({ streamWindowBytes: 1 }),
      'createChannel has no option "streamWindowBytes": give it to http2, as transport: http2({ … })',
    ],
    [
      "createServer",
      server({ growthBytes: 1 }),
      'createServer has no option "growthBytes": give it to http2, as transport: http2({ … })',
    ],
    ["createServer", server({ userAgent: "x" }), 'createServer has no option "userAgent": give it to createChannel'],
    ["createServer", server({ registery: 1 }), 'createServer has no option "registery": did you mean registry?'],
    ["a server's drain", server({ drain: { timeout: 1 } }), 'drain has no option "timeout": did you mean timeoutMs?'],
    ["a server's tls", server({ tls: { serverName: "x" } }), 'tls has no option "serverName": there are cert, key'],
    ["a channel's tls", channel({ tls: { servername: "x" } }), 'tls has no option "servername": did you mean serverN'],
    ["breaker", channel({ breaker: { openMS: 1 } }), 'breaker has no option "openMS": did you mean openMs?'],
    ["policy", channel({ policy: { timeout: 1 } }), 'policy has no option "timeout": did you mean timeoutMs?'],
    ["policy", channel({ policy: 5 }), "the options of policy are a number: give an object"],
    [
      "policy.retry",
      channel({ policy: { retry: { attempts: 3 } } }),
      'policy.retry has no option "attempts": there are maxAttempts, initialBackoffMs',
    ],
    [
      "policy.hedge",
      channel({ policy: { hedge: { delay: 3 } } }),
      'policy.hedge has no option "delay": did you mean delayMs?',
    ],
    [
      "the policy of a method",
      channel({ policy: { methods: { "a.B/C": { retries: false } } } }),
      'policy.methods["a.B/C"] has no option "retries": there are timeoutMs, retry',
    ],
    [
      "the retry of a method",
      channel({ policy: { methods: { "a.B/C": { retry: { maxattempts: 2 } } } } }),
      'policy.methods["a.B/C"].retry has no option "maxattempts": did you mean maxAttempts?',
    ],
    [
      "http2",
      () => http2(none({ maxFrameByte: 1 })),
      'http2 has no option "maxFrameByte": did you mean maxFrameBytes?',
    ],
    ["http2", () => http2(none({ keepaliveMs: 1 })), 'http2 has no option "keepaliveMs": give it to createServer or'],
    [
      "concurrencyLimit",
      () => concurrencyLimit(none({ max: 1 })),
      'concurrencyLimit has no option "max": did you mean maxLimit?',
    ],
    ["rateLimit", () => rateLimit(none({ percaller: 1 })), 'rateLimit has no option "percaller": did you mean perCal'],
    [
      "a rate",
      () => rateLimit({ perCaller: none({ perSecond: 1, bursts: 2 }) }),
      'a rate has no option "bursts": did you mean burst?',
    ],
    ["etcd", () => etcd("http://127.0.0.1:1", none({ ttl: 1 })), 'etcd has no option "ttl": did you mean ttlSeconds?'],
    [
      "withSnapshot",
      () => withSnapshot(staticRegistry(endpoints) as never, none({ directory: "." })),
      'withSnapshot has no option "directory": there are dir',
    ],
    [
      "memoryRegistry",
      () => memoryRegistry(none({ log: 1 })),
      'memoryRegistry has no option "log": did you mean logger?',
    ],
    [
      "MemoryBudget",
      () => new MemoryBudget(none({ byte: 1 })),
      'MemoryBudget has no option "byte": did you mean bytes?',
    ],
    ["consistentHash", () => consistentHash(none({ keys: "x" })), 'consistentHash has no option "keys": did you mean'],
    ["subset", () => subset(memoryRegistry(), none({ count: 1 })), 'subset has no option "count": there are size, cli'],
    ["zoneAware", () => zoneAware(none({ zones: "a" })), 'zoneAware has no option "zones": did you mean zone?'],
    ["leastLoaded", () => leastLoaded(none({ rnd: 1 })), 'leastLoaded has no option "rnd": there are random'],
    ["weighted", () => weighted(none({ weights: 1 })), 'weighted has no option "weights": there are random'],
    ["roundRobin", () => roundRobin(none({ start: 1 })), 'roundRobin has no option "start": there are random'],
    ["peakEwma", () => peakEwma(none({ decay: 1 })), 'peakEwma has no option "decay": did you mean decayMs?'],
    ["injectFaults", () => injectFaults(none({ share: 1 })), 'injectFaults has no option "share": there are failShare'],
    [
      "inMemory",
      () => inMemory(() => {}, none({ servers: {} })),
      'inMemory has no option "servers": did you mean server',
    ],
    [
      "createClient",
      () => createClient(Greeter, channel({})(), none({ interceptor: [] })),
      'createClient has no option "interceptor": did you mean interceptors?',
    ],
    [
      "add",
      () => createServer().add(Greeter, greetings, none({ interceptor: [] })),
      'add has no option "interceptor": did you mean interceptors?',
    ],
  ];
  test.each(wrong)("of %s: %#", (_, make, message) => {
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });

  test("of listen, close, registryFromUri and ready", async () => {
    const one = createServer();
    const listening = one.listen("127.0.0.1:0", none({ advertize: "a:1" }));
    await expect(listening).rejects.toThrow('listen has no option "advertize": did you mean advertise?');
    await expect(one.close(none({ timeout: 1 }))).rejects.toThrow(
      'close has no option "timeout": did you mean timeoutMs?',
    );
    await one.listen("127.0.0.1:0");
    await one.close();
    await expect(registryFromUri("static://a:1", none({ loger: 1 }))).rejects.toThrow("did you mean logger?");
  });

  test("of a call, of each kind, and of its retry", async () => {
    await using pair = await greeterPair();
    const message = '/greeter.v1.Greeter/SayHello: a call has no option "timeout": did you mean timeoutMs?';
    const error = { codeName: "INVALID_ARGUMENT", local: true };
    await expect(pair.greeter.sayHello({}, none({ timeout: 1 }))).rejects.toMatchObject({ ...error, message });
    await expect(pair.greeter.chat([], none({ signals: 1 })).next()).rejects.toMatchObject({
      ...error,
      message: '/greeter.v1.Greeter/Chat: a call has no option "signals": did you mean signal?',
    });
    await expect(pair.greeter.sayHello({}, { retry: none({ max: 2 }) })).rejects.toMatchObject({
      ...error,
      message: expect.stringContaining('retry has no option "max": did you mean maxAttempts?'),
    });
  });
});

describe("a name in policy.methods", () => {
  const clientOf = (methods: object) => () => createClient(Greeter, channel({ policy: { methods } })());

  test("that the service of a client has not is refused, with the one that was meant or those there are", () => {
    const refused = clientOf({ "greeter.v1.Greeter/sayHello": { timeoutMs: 1 } });
    expect(refused).toThrow(TypeError);
    expect(refused).toThrow(
      "policy.methods names greeter.v1.Greeter/sayHello, and greeter.v1.Greeter has no such method: did you mean SayHello?",
    );
    expect(clientOf({ "/greeter.v1.Greeter/Remove": {} })).toThrow("it has: SayHello, SayHelloAgain, Chat");
  });

  test("is taken with a slash before it and without, of another service too", () => {
    const known = { "/greeter.v1.Greeter/SayHello": {}, "greeter.v1.Greeter/Chat": {}, "greeter.v1.Greeter": {} };
    expect(clientOf({ ...known, "other.v1.Other/Any": {} })).not.toThrow();
  });

  test("stands once", () => {
    const twice = { "/greeter.v1.Greeter/Chat": {}, "greeter.v1.Greeter/Chat": {} };
    expect(clientOf(twice)).toThrow(
      "policy.methods names greeter.v1.Greeter/Chat twice: with a slash before it, and without",
    );
  });

  test.each(["/greeter.v1.Greeter", "", "a/b/c", "a/"])("is refused where it can be none: %j", (key) => {
    expect(clientOf({ [key]: {} })).toThrow(`policy.methods[${JSON.stringify(key)}] names no method`);
  });
});
