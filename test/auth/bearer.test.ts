import { Code, type Interceptor, type RpcError } from "trunkline";
import { type Authenticate, auth, bearer, type TokenSource } from "trunkline/auth";
import { expect, test } from "vitest";
import { wires } from "../support/wires.ts";
import { createIssuer } from "./issuer.ts";
import { allOf, ordersPair } from "./orders.ts";

/** Takes the tokens that are good now; the subject is the token. */
function taking(good: Set<string>): Authenticate {
  return ({ metadata }) => {
    const token = metadata.get("authorization")?.replace("Bearer ", "") ?? "";
    if (!good.has(token)) throw new Error("not good");
    return { subject: token, issuer: undefined, scopes: new Set(["orders:read", "orders:write"]), claims: {} };
  };
}

/** A source of numbered tokens. */
function numbered(good: Set<string>, lifeMs?: () => number): { source: TokenSource; asked(): number } {
  let asked = 0;
  return {
    asked: () => asked,
    source: () => {
      const token = `t${++asked}`;
      good.add(token);
      return lifeMs === undefined ? token : { token, expiresAtMs: lifeMs() };
    },
  };
}

for (const [name, wire] of wires) {
  test(`calls and streams bring a token, and once a new one where it is refused, over ${name}`, async () => {
    const transport = wire();
    const good = new Set<string>();
    const { source, asked } = numbered(good);
    let timeMs = 1_000_000;
    const interceptors = [bearer(source, { now: () => timeMs })];
    await using pair = await ordersPair({ transport, interceptors: [auth(taking(good))] }, { transport, interceptors });
    const { orders } = pair;
    const all = await Promise.all(Array.from({ length: 10 }, () => orders.track({})));
    expect(new Set(all.map(({ message }) => message))).toEqual(new Set(["t1"]));
    good.clear();
    // So new a token is not taken for an old one.
    await expect(orders.track({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
    expect(asked()).toBe(1);
    timeMs += 1_000;
    expect((await orders.track({})).message).toBe("t2");
    good.clear();
    timeMs += 1_000;
    // What was read from it is gone; the next has the new token.
    await expect(orders.follow([{ name: "a" }]).next()).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
    expect(await allOf(orders.follow([{ name: "a" }, { name: "b" }]))).toEqual(["t3 a", "t3 b"]);
    expect(asked()).toBe(3);
  });
}

test("where the new token is refused too, or is the same, the refusal stands", async () => {
  for (const source of [() => "always", numbered(new Set()).source]) {
    let calls = 0;
    const count: Interceptor = (next) => (call) => {
      calls++;
      return next(call);
    };
    const interceptors = [bearer(source)];
    await using pair = await ordersPair({ interceptors: [count, auth(taking(new Set()))] }, { interceptors });
    await expect(pair.orders.track({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED, local: false });
    expect(calls).toBeLessThanOrEqual(2);
    await expect(pair.orders.follow([{ name: "a" }]).next()).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
  }
});

test("a token is renewed before it ends, while the old one serves", async () => {
  const good = new Set<string>();
  let timeMs = 1_000_000;
  const { source, asked } = numbered(good, () => timeMs + 600_000);
  const interceptors = [bearer(source, { now: () => timeMs })];
  await using pair = await ordersPair({ interceptors: [auth(taking(good))] }, { interceptors });
  expect((await pair.orders.track({})).message).toBe("t1");
  timeMs += 539_000;
  expect((await pair.orders.track({})).message).toBe("t1");
  expect(asked()).toBe(1);
  timeMs += 2_000;
  expect((await pair.orders.track({})).message).toBe("t1");
  await expect.poll(asked).toBe(2);
  expect((await pair.orders.track({})).message).toBe("t2");
});

test("when a JSON Web Token ends is read from it", async () => {
  const issuer = await createIssuer();
  let asked = 0;
  let timeMs = 1_000_000_000;
  const source = () => {
    asked++;
    return issuer.sign({ expires: timeMs / 1_000 + 100 });
  };
  const known: Authenticate = () => ({ subject: "x", issuer: undefined, scopes: new Set(), claims: {} });
  const interceptors = [bearer(source, { now: () => timeMs })];
  await using pair = await ordersPair({ interceptors: [auth(known)] }, { interceptors });
  await pair.orders.track({});
  timeMs += 79_000;
  await pair.orders.track({});
  expect(asked).toBe(1);
  timeMs += 30_000;
  await pair.orders.track({});
  expect(asked).toBe(2);
});

test("a source that fails harms nobody while the old token is good, and is asked again later", async () => {
  const good = new Set(["old", "new"]);
  let timeMs = 1_000_000;
  let fails = false;
  let asked = 0;
  const source: TokenSource = () => {
    asked++;
    if (fails) throw new Error("hunter2 is not the password");
    return { token: asked === 1 ? "old" : "new", expiresAtMs: timeMs + 100_000 };
  };
  const interceptors = [bearer(source, { now: () => timeMs })];
  await using pair = await ordersPair({ interceptors: [auth(taking(good))] }, { interceptors });
  await pair.orders.track({});
  fails = true;
  timeMs += 90_000;
  for (let i = 0; i < 5; i++) expect((await pair.orders.track({})).message).toBe("old");
  expect(asked).toBe(2);
  timeMs += 20_000;
  const error: RpcError = await pair.orders.track({}).then(
    () => expect.fail("it was let in"),
    (caught) => caught,
  );
  expect(error).toMatchObject({ code: Code.UNAUTHENTICATED, local: true });
  expect(error.message).not.toContain("hunter2");
  expect(error.cause).toMatchObject({ message: "hunter2 is not the password" });
  const before = asked;
  await expect(pair.orders.track({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
  expect(asked).toBe(before);
  fails = false;
  timeMs += 1_000;
  expect((await pair.orders.track({})).message).toBe("new");
});

test("a clock that is set back holds no source up", async () => {
  const good = new Set<string>();
  let timeMs = 10_000_000;
  let fails = true;
  const { source, asked } = numbered(good);
  const failing: TokenSource = () => (fails ? Promise.reject(new Error("not now")) : source());
  const interceptors = [bearer(failing, { now: () => timeMs })];
  await using pair = await ordersPair({ interceptors: [auth(taking(good))] }, { interceptors });
  await expect(pair.orders.track({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
  fails = false;
  timeMs -= 3_600_000;
  expect((await pair.orders.track({})).message).toBe("t1");
  good.clear();
  timeMs -= 3_600_000;
  expect((await pair.orders.track({})).message).toBe("t2");
  expect(asked()).toBe(2);
});

test("a source that never answers is given up", async () => {
  const interceptors = [bearer(() => new Promise<never>(() => {}), { renewTimeoutMs: 20 })];
  await using pair = await ordersPair({ interceptors: [auth(taking(new Set()))] }, { interceptors });
  await expect(pair.orders.track({})).rejects.toMatchObject({
    code: Code.UNAUTHENTICATED,
    cause: { message: "the source of tokens gave none within 20 ms" },
  });
});

test("a source that fails is left alone for a while, though servers refuse the token that there is", async () => {
  for (const fails of [() => Promise.reject(new Error("down")), () => new Promise<never>(() => {})]) {
    let timeMs = 1_000_000;
    let asked = 0;
    const source: TokenSource = () => (++asked === 1 ? "old" : fails());
    const interceptors = [bearer(source, { now: () => timeMs, renewTimeoutMs: 20 })];
    await using pair = await ordersPair({ interceptors: [auth(taking(new Set()))] }, { interceptors });
    for (let i = 0; i < 20; i++) {
      await expect(pair.orders.track({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED, local: false });
      if (i === 0) timeMs += 5_000;
    }
    expect(asked).toBe(2);
    timeMs += 1_000;
    await expect(pair.orders.track({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
    expect(asked).toBe(3);
  }
});

test("a token that is over when it comes is sent, and its source is asked no more than once a second", async () => {
  const good = new Set<string>();
  let timeMs = 1_000_000_000;
  const { source, asked } = numbered(good, () => timeMs - 5_000);
  const interceptors = [bearer(source, { now: () => timeMs })];
  await using pair = await ordersPair({ interceptors: [auth(taking(good))] }, { interceptors });
  for (let i = 0; i < 20; i++) expect((await pair.orders.track({})).message).toBe("t1");
  expect(asked()).toBe(1);
  timeMs += 1_000;
  expect((await pair.orders.track({})).message).toBe("t2");
});

test.each<[string, unknown, string]>([
  ["text", "2030-01-01T00:00:00Z", "a string"],
  ["a Date", new Date(2030, 1), "an object"],
  ["null", null, "null"],
  ["NaN", Number.NaN, "NaN"],
])("an end that is %s is no end", async (_, expiresAtMs, what) => {
  const interceptors = [bearer((() => ({ token: "t", expiresAtMs })) as never)];
  await using pair = await ordersPair({ interceptors: [auth(taking(new Set(["t"])))] }, { interceptors });
  const message = `the source gave a token whose expiresAtMs is ${what}: give milliseconds of Unix time`;
  await expect(pair.orders.track({})).rejects.toMatchObject({ cause: { message } });
});

test.each([[null], [undefined], [5], [{}], [[]], [""]])("a source that gives %j gives no token", async (given) => {
  const interceptors = [bearer(() => given as never)];
  await using pair = await ordersPair({ interceptors: [auth(taking(new Set()))] }, { interceptors });
  await expect(pair.orders.track({})).rejects.toMatchObject({
    code: Code.UNAUTHENTICATED,
    cause: { message: "the source gave what is no token" },
  });
});

test("a source may be given more time than a timer of Node's can wait", async () => {
  for (const renewTimeoutMs of [2 ** 31, Number.POSITIVE_INFINITY]) {
    const source = () => new Promise<string>((resolve) => setTimeout(resolve, 20, "good"));
    const interceptors = [bearer(source, { renewTimeoutMs })];
    await using pair = await ordersPair({ interceptors: [auth(taking(new Set(["good"])))] }, { interceptors });
    expect((await pair.orders.track({})).message).toBe("good");
  }
});

test("what is no token is sent nowhere, and stands in no error", async () => {
  const interceptors = [bearer("two words\nx-evil: 1")];
  await using pair = await ordersPair({ interceptors: [auth(taking(new Set()))] }, { interceptors });
  const error: RpcError = await pair.orders.track({}).then(
    () => expect.fail("it was let in"),
    (caught) => caught,
  );
  expect(error).toMatchObject({ code: Code.UNAUTHENTICATED, local: true });
  expect(`${error.message}${error.cause}`).not.toContain("evil");
});

test("a call that brings its own authorization keeps it", async () => {
  const good = new Set(["mine"]);
  const interceptors = [bearer("theirs")];
  await using pair = await ordersPair({ interceptors: [auth(taking(good))] }, { interceptors });
  expect((await pair.orders.track({}, { metadata: { authorization: "Bearer mine" } })).message).toBe("mine");
});

test("bearer refuses what is no source", () => {
  expect(() => bearer(undefined as never)).toThrow("bearer wants a token, or a function that gives one");
  expect(() => bearer("x", { renewBeforeMs: -1 })).toThrow("renewBeforeMs is -1");
});
