import { describe, expect, test } from "vitest";
import { Health } from "../../gen/grpc/health/v1/health.rpc.ts";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { Call, type CallInit } from "../../src/core/call.ts";
import { Code } from "../../src/core/code.ts";
import { pushbackOf } from "../../src/core/pushback.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import { type RateLimitOptions, rateLimit } from "../../src/limit/rate-limit.ts";
import { createBuckets } from "../../src/limit/token-bucket.ts";
import { makeCall, reply, service } from "../balance/fakes.ts";
import { type VirtualClock, virtualClock } from "../simulator/virtual-clock.ts";
import { greeterPair } from "../support/greeter.ts";
import { createLog } from "../support/log.ts";

function limited(options: RateLimitOptions): { clock: VirtualClock; answered: (call?: Call) => Promise<boolean> } {
  const clock = virtualClock();
  const handle = rateLimit({ clock, random: () => 0, ...options })(async () => reply);
  return {
    clock,
    answered: (call = makeCall()) =>
      handle(call).then(
        () => true,
        (error) => {
          if (!RpcError.is(error) || error.code !== Code.RESOURCE_EXHAUSTED) throw error;
          return false;
        },
      ),
  };
}

const from = (address: string, init: Partial<CallInit> = {}) => makeCall({ caller: { address }, ...init });

async function count(answered: (call?: Call) => Promise<boolean>, calls: number, call?: Call): Promise<number> {
  let all = 0;
  for (let i = 0; i < calls; i++) if (await answered(call)) all++;
  return all;
}

describe("a limit per method", () => {
  test("lets a burst through, and then its rate", async () => {
    const { clock, answered } = limited({ perMethod: { [`${service}/Echo`]: { perSecond: 10, burst: 5 } } });
    expect(await count(answered, 20)).toBe(5);
    await clock.advance(100);
    expect(await count(answered, 20)).toBe(1);
    await clock.advance(10_000);
    expect(await count(answered, 20)).toBe(5);
  });

  test("holds for a service's methods together, and for no other service", async () => {
    const { answered } = limited({ perMethod: { [service]: { perSecond: 3 } } });
    const expand = new Call({ method: Probe.methods.expand, request: {} });
    expect(await count(answered, 2)).toBe(2);
    expect(await count(answered, 2, expand)).toBe(1);
    expect(await count(answered, 1)).toBe(0);
    const other = new Call({ method: { ...Probe.methods.echo, service: "a.B", path: "/a.B/Echo" }, request: {} });
    expect(await count(answered, 10, other)).toBe(10);
  });

  test("says what the limit is and when to come back", async () => {
    const clock = virtualClock();
    const options = { clock, random: () => 0, perMethod: { [`${service}/Echo`]: { perSecond: 4, burst: 1 } } };
    const handle = rateLimit(options)(async () => reply);
    await handle(makeCall());
    const error = await handle(makeCall()).catch((caught) => caught);
    expect(error).toMatchObject({
      code: Code.RESOURCE_EXHAUSTED,
      message: `over the limit of 4 calls a second for /${service}/Echo`,
    });
    expect(pushbackOf(error.metadata)).toBe(250);
  });

  test("never refuses health and reflection", async () => {
    const { answered } = limited({
      perMethod: { "grpc.health.v1.Health": { perSecond: 1 } },
      perCaller: { perSecond: 1 },
    });
    const check = new Call({ method: Health.methods.check, request: {}, caller: { address: "10.0.0.1:1" } });
    expect(await count(answered, 10, check)).toBe(10);
  });
});

describe("a limit per caller", () => {
  test("counts the connections of a host as one caller, and hosts apart", async () => {
    const { answered } = limited({ perCaller: { perSecond: 2 } });
    expect(await count(answered, 2, from("10.0.0.1:1000"))).toBe(2);
    expect(await count(answered, 2, from("10.0.0.1:2000"))).toBe(0);
    expect(await count(answered, 3, from("10.0.0.2:1000"))).toBe(2);
  });

  test.each([
    ["[2001:db8:0:1::1]:1000", "[2001:db8:0:1:ffff:ffff:ffff:ffff]:1000", true],
    ["[2001:db8::1]:1000", "[2001:0db8:0000:0000::2]:1000", true],
    ["[::1]:1000", "[::2]:1000", true],
    ["[fe80::1%eth0]:1000", "[fe80::2%eth0]:1000", true],
    ["[2001:db8:0:1::1]:1000", "[2001:db8:0:2::1]:1000", false],
    ["[2001:db8::1:0:0:0:1]:1000", "[2001:db8::1]:1000", false],
    ["[::ffff:10.0.0.1]:1000", "10.0.0.1:1000", true],
    ["[::ffff:10.0.0.1]:1000", "[::ffff:10.0.0.2]:1000", false],
  ])("takes a network of IPv6 for one caller: %s and %s", async (one, other, same) => {
    const { answered } = limited({ perCaller: { perSecond: 2 } });
    expect(await count(answered, 2, from(one))).toBe(2);
    expect(await count(answered, 2, from(other))).toBe(same ? 0 : 2);
  });

  test("refuses nobody where the rate is infinite", async () => {
    const { answered } = limited({
      perCaller: { perSecond: Number.POSITIVE_INFINITY },
      perMethod: { [service]: { perSecond: Number.POSITIVE_INFINITY } },
    });
    expect(await count(answered, 1_000, from("10.0.0.1:1"))).toBe(1_000);
  });

  test("goes by the certificate where one was shown", async () => {
    const { answered } = limited({ perCaller: { perSecond: 2 } });
    const shown = (address: string, fingerprint256: string) =>
      makeCall({ caller: { address, tls: { subject: { CN: "x" }, alternativeNames: [], fingerprint256 } } });
    expect(await count(answered, 2, shown("10.0.0.1:1", "AA"))).toBe(2);
    expect(await count(answered, 2, shown("10.0.0.2:1", "AA"))).toBe(0);
    expect(await count(answered, 2, shown("10.0.0.1:1", "BB"))).toBe(2);
  });

  test("goes by what it is told to, and lets pass whom that does not name", async () => {
    const { answered } = limited({ perCaller: { perSecond: 1 }, callerOf: ({ metadata }) => metadata.get("user") });
    expect(await count(answered, 5)).toBe(5);
  });

  test("that refuses takes no token of the method's", async () => {
    const { answered } = limited({ perMethod: { [service]: { perSecond: 3 } }, perCaller: { perSecond: 1 } });
    expect(await count(answered, 10, from("10.0.0.1:1"))).toBe(1);
    expect(await count(answered, 1, from("10.0.0.2:1"))).toBe(1);
    expect(await count(answered, 1, from("10.0.0.3:1"))).toBe(1);
    expect(await count(answered, 1, from("10.0.0.4:1"))).toBe(0);
  });
});

describe("buckets", () => {
  test("are no more than were allowed, and a flood of other keys forgives nobody who is spent", () => {
    const buckets = createBuckets({ perSecond: 1 }, 3);
    const use = (key: string, nowMs: number): boolean => {
      const free = buckets.waitMs(key, nowMs) === 0;
      if (free) buckets.take(key, nowMs);
      return free;
    };
    expect(["a", "b", "c"].map((key) => use(key, 0))).toEqual([true, true, true]);
    // Those that are not known share one bucket.
    expect(Array.from({ length: 1_000 }, (_, i) => use(`key-${i}`, 0)).filter((free) => free)).toHaveLength(1);
    expect(["a", "b", "c"].map((key) => buckets.waitMs(key, 0))).toEqual([1_000, 1_000, 1_000]);
    expect(buckets.size).toBe(3);
    // A bucket that is full again makes room for another.
    expect(use("a", 1_000)).toBe(true);
    expect(use("d", 1_000)).toBe(true);
    expect(use("d", 1_000)).toBe(false);
    expect(["a", "d"].map((key) => buckets.waitMs(key, 1_000))).toEqual([1_000, 1_000]);
    expect(buckets.size).toBe(3);
  });

  test("of an infinite rate refuse nothing, and remember nobody", () => {
    for (const rate of [{ perSecond: Number.POSITIVE_INFINITY }, { perSecond: Number.POSITIVE_INFINITY, burst: 1 }]) {
      const buckets = createBuckets(rate, 3);
      for (let i = 0; i < 100; i++) {
        expect(buckets.waitMs("a", 0)).toBe(0);
        buckets.take("a", 0);
      }
      expect(buckets.size).toBe(0);
    }
  });

  test("never let more through than burst and rate", () => {
    const buckets = createBuckets({ perSecond: 7, burst: 3 }, 1);
    let taken = 0;
    for (let ms = 0; ms < 10_000; ms++) {
      if (buckets.waitMs("a", ms) > 0) continue;
      buckets.take("a", ms);
      taken++;
    }
    expect(taken).toBeGreaterThanOrEqual(69 + 3);
    expect(taken).toBeLessThanOrEqual(70 + 3);
  });

  test("refuse a rate that makes no sense", () => {
    for (const rate of [{ perSecond: 0 }, { perSecond: -1 }, { perSecond: Number.NaN }, { perSecond: 1, burst: 0 }]) {
      expect(() => rateLimit({ perCaller: rate })).toThrow(TypeError);
    }
  });
});

test("a method is named with a slash before it or without, and once", async () => {
  const { answered } = limited({ perMethod: { [`/${service}/Echo`]: { perSecond: 1 } } });
  expect(await count(answered, 5)).toBe(1);
  const rate = { perSecond: 1 };
  expect(() => rateLimit({ perMethod: { "/a.B/C": rate, "a.B/C": rate } })).toThrow("perMethod names a.B/C twice");
  expect(() => rateLimit({ maxCallers: Number.NaN })).toThrow("maxCallers is NaN");
});

test("a server says which names of a limit it does not have", async () => {
  const log = createLog();
  const rate = { perSecond: 1_000 };
  const names = ["greeter.v1.Greeter", "greeter.v1.Greeter/SayHello", "/greeter.v1.Greeter/Chat"];
  const perMethod = Object.fromEntries([...names, "greeter.v1.Greeter/sayHello", "a.B"].map((name) => [name, rate]));
  await using _pair = await greeterPair({ server: { logger: log, interceptors: [rateLimit({ perMethod })] } });
  expect(log.of("warn")).toMatchObject([{ fields: { names: ["/greeter.v1.Greeter/sayHello", "a.B"] } }]);
});
