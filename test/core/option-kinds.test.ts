import {
  concurrencyLimit,
  createChannel,
  createClient,
  createServer,
  http2,
  memoryRegistry,
  rateLimit,
  registryFromUri,
  subset,
  withSnapshot,
} from "trunkline";
import { etcd } from "trunkline/etcd";
import { describe, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";

const endpoints = ["127.0.0.1:1"];
const channel = (options: object) => () => createChannel({ endpoints, ...options } as never);
const server = (options: object) => () => createServer(options as never);
const none = (value: unknown) => value as never;

describe("an option of another kind is refused by its name:", () => {
  const wrong: readonly (readonly [make: () => unknown, message: string])[] = [
    [channel({ registry: "etcd://u:p@h" }), "registry is a string: give an object with the functions resolve, such as"],
    [channel({ registry: registryFromUri("static://127.0.0.1:1") }), "registry is a promise: await it"],
    [channel({ registry: memoryRegistry() }), "registry and endpoints are both given: give the registry, or the serv"],
    [channel({ endpoints: "127.0.0.1:1" }), 'endpoints is a string: give a list: ["127.0.0.1:50051"]'],
    [channel({ endpoints: [5] }), 'endpoints[0] is a number: give "host:port", or an object with such an address'],
    [channel({ endpoints: [{ host: "a" }] }), 'endpoints[0] is an object: give "host:port", or an object with such'],
    [channel({ transport: http2 }), "transport is a function: give an object with the functions connect, listen, such"],
    [channel({ balancer: "round_robin" }), "balancer is a string: give a function, such as roundRobin()"],
    [channel({ healthCheck: 1 }), "healthCheck is a number: give true, false or the name of a service"],
    [channel({ unixAddresses: "no" }), "unixAddresses is a string: give true or false"],
    [channel({ keepaliveWithoutCalls: "no" }), "keepaliveWithoutCalls is a string: give true or false"],
    [channel({ compression: "br" }), "compression is a string: give identity or gzip or deflate"],
    [channel({ userAgent: "a\nb" }), "userAgent is a string: give one line of printable ASCII"],
    [
      channel({ logger: true }),
      "logger is a boolean: give an object with the functions debug, info, warn, error, such",
    ],
    [channel({ logger: { info() {} } }), "logger is an object: give an object with the functions debug, info, warn, e"],
    [channel({ interceptors: concurrencyLimit() }), "interceptors must be a list of interceptors"],
    [channel({ attemptInterceptors: [undefined] }), "attemptInterceptors must be a list of interceptors"],
    [channel({ breaker: { faults: ["unknown"] } }), 'breaker.faults is a list: give a list of the names of codes: ["'],
    [channel({ breaker: { onChange: 1 } }), "breaker.onChange is a number: give a function, such as"],
    [channel({ policy: [] }), "the options of policy are a list: give an object"],
    [server({ registry: "etcd://u:p@h" }), "registry is a string: give an object with the functions register, such as"],
    [server({ registry: registryFromUri("static://127.0.0.1:1") }), "registry is a promise: await it"],
    [server({ metadata: "eu-1" }), 'metadata is a string: give an object whose values are text: { zone: "eu-1" }'],
    [server({ metadata: { weight: 2 } }), "metadata.weight is a number: give text"],
    [server({ transport: http2 }), "transport is a function: give an object with the functions connect, listen, such"],
    [server({ reflection: "no" }), "reflection is a string: give true or false"],
    [server({ acceptCompression: 0 }), "acceptCompression is a number: give true or false"],
    [server({ compression: "br" }), "compression is a string: give identity or gzip or deflate"],
    [server({ logger: true }), "logger is a boolean: give an object with the functions debug, info, warn, error"],
    [
      () => http2({ memory: none(1e9) }),
      "memory is a number: give an object with the functions lendShare, such as new",
    ],
    [() => concurrencyLimit({ callerOf: none("x") }), "callerOf is a string: give a function, such as (call) =>"],
    [() => rateLimit({ callerOf: none("x") }), "callerOf is a string: give a function, such as (call) =>"],
    [() => subset(memoryRegistry(), none({ size: 5 })), "client of subset is undefined: give text"],
    [() => withSnapshot(memoryRegistry(), none({})), "dir of withSnapshot is undefined: give text"],
    [() => etcd(none(undefined)), 'the hosts of etcd() are undefined: give "http://127.0.0.1:2379", or a list of such'],
    [() => etcd(none(["http://a:1", 5])), 'the hosts of etcd() are a list: give "http://127.0.0.1:2379", or a list'],
    [() => etcd("http://a:1", { dialects: none("kratos") }), 'dialects is a string: give a list: ["go-naming"]'],
    [() => etcd("http://a:1", { logger: none(true) }), "logger is a boolean: give an object with the functions"],
  ];

  test.each(wrong)("%s", (make, message) => {
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });
});

test("what is no URI of a registry is refused", async () => {
  await expect(registryFromUri(none(undefined))).rejects.toThrow("the URI of a registry is undefined: give text, such");
});

test("what is no address to announce is refused", async () => {
  const listening = createServer().listen("127.0.0.1:0", { advertise: none(5) });
  await expect(listening).rejects.toThrow("advertise is a number: give host or host:port");
});

test("a policy that cannot be is refused by the name of its field", () => {
  const client = (policy: object) => () => createClient(Greeter, createChannel({ endpoints, policy }));
  expect(client({ retry: { retryableCodes: ["unavailable"] } })).toThrow(
    'greeter.v1.Greeter/SayHello has the policy retry.retryableCodes ["unavailable"]: give a list of the names of codes',
  );
  expect(client({ retry: { retryableCodes: [14] } })).toThrow("retry.retryableCodes [14]");
  expect(client({ maxResponseBytes: "5MB" })).toThrow(
    'has the policy maxResponseBytes "5MB": give a number that is at l',
  );
  expect(client({ methods: { "greeter.v1.Greeter.SayHello": {} } })).toThrow(
    "policy.methods names greeter.v1.Greeter.SayHello, and that is no service: did you mean greeter.v1.Greeter/SayHello?",
  );
});

test("where a channel stands is asked of a service, and told to a function", async () => {
  await using channel = createChannel({ endpoints });
  const why = "the service is undefined: give a generated service, such as Greeter";
  expect(() => channel.state(none(undefined))).toThrow(why);
  expect(() => channel.ready(none("greeter.v1.Greeter"))).toThrow("the service is a string: give a generated");
  expect(() => channel.watchState(none(undefined), () => {})).toThrow(why);
  expect(() => channel.watchState(Greeter, none(undefined))).toThrow("the listener of watchState is undefined: give a");
});

test("a wait for ready refuses what is no time and no signal, and says what was missing when it is ended", async () => {
  await using channel = createChannel({ endpoints });
  await expect(channel.ready(Greeter, { timeoutMs: none("5") })).rejects.toThrow(
    'timeoutMs of ready is "5": give mill',
  );
  await expect(channel.ready(Greeter, { signal: none(new AbortController()) })).rejects.toThrow(
    "signal is an object: give an AbortSignal, such as AbortSignal.timeout(1_000)",
  );
  await channel.ready(Greeter, { timeoutMs: 1 }).catch(() => {});
  const ended = channel.ready(Greeter, { signal: AbortSignal.timeout(50) });
  await expect(ended).rejects.toMatchObject({
    codeName: "DEADLINE_EXCEEDED",
    message: expect.stringMatching(
      /^greeter\.v1\.Greeter was not ready when the wait was ended \(.+\): no endpoint of /,
    ),
  });
});
