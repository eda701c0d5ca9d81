import { createSecretKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { SignJWT, UnsecuredJWT } from "jose";
import { Code, createClient, createServer } from "trunkline";
import { type Authenticate, auth, type JwtOptions, jwt } from "trunkline/auth";
import { expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { Health } from "../../gen/grpc/health/v1/health.rpc.ts";
import * as certs from "../support/certs.ts";
import { freePort } from "../support/free-port.ts";
import { greetings } from "../support/greeter.ts";
import { createLog } from "../support/log.ts";
import { wires } from "../support/wires.ts";
import { audience, createIssuer, issuer, serveKeySet } from "./issuer.ts";
import { allOf, ordersPair } from "./orders.ts";

const one = await createIssuer();
const bearing = (token: string) => ({ metadata: { authorization: `Bearer ${token}` } });
const byOne = (options: Partial<JwtOptions> = {}) => jwt({ jwks: { keys: [one.jwk] }, issuer, audience, ...options });

for (const [name, wire] of wires) {
  test(`who is known, and what it has been granted, decides, over ${name}`, async () => {
    const transport = wire();
    await using pair = await ordersPair({ transport, interceptors: [auth(byOne())] }, { transport });
    const { orders } = pair;
    const full = bearing(await one.sign());
    const poor = bearing(await one.sign({ subject: "grace", claims: {} }));
    expect((await orders.menu({})).message).toBe("nobody");
    expect((await orders.track({}, poor)).message).toBe("grace");
    expect((await orders.place({}, full)).message).toBe("ada");
    const stream = orders.follow([{ name: "1" }, { name: "2" }], full);
    expect(await allOf(stream)).toEqual(["ada 1", "ada 2"]);
    await expect(orders.track({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
    await expect(orders.place({}, poor)).rejects.toMatchObject({
      code: Code.PERMISSION_DENIED,
      message: "/orders.v1.Orders/Place asks for the scope orders:write, which the caller has not been granted",
    });
    await expect(orders.follow([], poor).next()).rejects.toMatchObject({ code: Code.PERMISSION_DENIED });
  });
}

test("a token that is not right tells its sender nothing but UNAUTHENTICATED, and the log why, without it", async () => {
  const stranger = await createIssuer();
  const past = Math.floor(Date.now() / 1_000) - 60;
  const tokens = {
    "no token at all": "nonsense",
    "another key": await stranger.sign(),
    "a time that is over": await one.sign({ expires: past }),
    "another audience": await one.sign({ audience: "payments" }),
    "another issuer": await one.sign({ issuer: "https://elsewhere.example" }),
    "no subject": await one.sign({ subject: "" }),
    "no end": await one.sign({ expires: undefined }),
    "no signature": new UnsecuredJWT({}).setSubject("ada").setIssuer(issuer).setAudience(audience).encode(),
    "the public key as a secret": await new SignJWT({ sub: "ada" })
      .setProtectedHeader({ alg: "HS256", kid: "one" })
      .sign(createSecretKey(Buffer.from(JSON.stringify(one.jwk)))),
  };
  for (const [what, token] of Object.entries(tokens)) {
    const log = createLog();
    await using pair = await ordersPair({ interceptors: [auth(byOne())], logger: log });
    await expect(pair.orders.track({}, bearing(token)), what).rejects.toMatchObject({
      code: Code.UNAUTHENTICATED,
      message: "credentials are missing or not valid",
    });
    const text = JSON.stringify(log.lines);
    expect(text, what).toContain("a caller is not let in");
    expect(text, what).not.toContain(token);
    expect(text, what).not.toContain(token.split(".")[1] ?? token);
  }
});

test("the signature of one token is verified once, also by calls that come together", async () => {
  let verified = 0;
  const scopesOf = () => {
    verified++;
    return ["orders:write"];
  };
  await using pair = await ordersPair({ interceptors: [auth(byOne({ scopesOf }))] });
  const options = bearing(await one.sign());
  await Promise.all(Array.from({ length: 50 }, () => pair.orders.place({}, options)));
  for (let i = 0; i < 50; i++) await pair.orders.place({}, options);
  expect(verified).toBe(1);
});

test("what was remembered ends with its token, and after five minutes is looked at again", async () => {
  let timeMs = Date.now();
  let verified = 0;
  const scopesOf = () => [`${verified++}`];
  const way = byOne({ now: () => timeMs, scopesOf });
  await using pair = await ordersPair({ interceptors: [auth(way)] });
  const options = bearing(await one.sign({ expires: Math.floor(timeMs / 1_000) + 600 }));
  await pair.orders.track({}, options);
  timeMs += 301_000;
  await pair.orders.track({}, options);
  expect(verified).toBe(2);
  timeMs += 310_000;
  await expect(pair.orders.track({}, options)).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
});

test("what was remembered is looked at again when the clock has been set back", async () => {
  let timeMs = Date.now();
  let verified = 0;
  const scopesOf = () => [`${verified++}`];
  await using pair = await ordersPair({ interceptors: [auth(byOne({ now: () => timeMs, scopesOf }))] });
  const options = bearing(await one.sign());
  await pair.orders.track({}, options);
  timeMs -= 3_600_000;
  await pair.orders.track({}, options);
  await pair.orders.track({}, options);
  expect(verified).toBe(2);
});

test("no more tokens are remembered than asked, and all go on to be good", async () => {
  let verified = 0;
  const scopesOf = () => [`${verified++}`];
  await using pair = await ordersPair({ interceptors: [auth(byOne({ maxCachedTokens: 2, scopesOf }))] });
  const tokens = await Promise.all(["a", "b", "c"].map((subject) => one.sign({ subject })));
  for (const token of [...tokens, ...tokens]) await pair.orders.track({}, bearing(token));
  expect(verified).toBe(6);
});

test("clocks may differ by a little", async () => {
  const seconds = Math.floor(Date.now() / 1_000);
  await using pair = await ordersPair({ interceptors: [auth(byOne({ clockToleranceSeconds: 60 }))] });
  await pair.orders.track({}, bearing(await one.sign({ expires: seconds - 30 })));
  await expect(pair.orders.track({}, bearing(await one.sign({ expires: seconds - 61 })))).rejects.toThrow();
});

test.each(["RS256", "PS256", "ES384", "EdDSA"])("a token that is signed by %s is good", async (algorithm) => {
  const by = await createIssuer("it", algorithm);
  await using pair = await ordersPair({ interceptors: [auth(byOne({ jwks: { keys: [one.jwk, by.jwk] } }))] });
  expect((await pair.orders.track({}, bearing(await by.sign()))).message).toBe("ada");
});

test("a token that names no key is tried by each that could be it", async () => {
  const two = await createIssuer("two");
  await using pair = await ordersPair({ interceptors: [auth(byOne({ jwks: { keys: [one.jwk, two.jwk] } }))] });
  const nameless = (key: typeof two.privateKey) =>
    new SignJWT({ sub: "ada" })
      .setProtectedHeader({ alg: "ES256" })
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime("1 minute")
      .sign(key);
  expect((await pair.orders.track({}, bearing(await nameless(two.privateKey)))).message).toBe("ada");
  const { privateKey } = await createIssuer();
  await expect(pair.orders.track({}, bearing(await nameless(privateKey)))).rejects.toMatchObject({
    code: Code.UNAUTHENTICATED,
  });
});

test("a key may be given as PEM, as a JSON Web Key, as a KeyObject, or as the bytes of a secret", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const secret = Buffer.alloc(32, 7);
  const sign = (alg: string, key: typeof privateKey) =>
    new SignJWT({ sub: "ada" })
      .setProtectedHeader({ alg })
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime("1 minute")
      .sign(key);
  const keys: [NonNullable<JwtOptions["key"]>, string][] = [
    [publicKey.export({ type: "spki", format: "pem" }), await sign("ES256", privateKey)],
    [Buffer.from(publicKey.export({ type: "spki", format: "pem" })), await sign("ES256", privateKey)],
    [publicKey.export({ format: "jwk" }) as Record<string, unknown>, await sign("ES256", privateKey)],
    [publicKey, await sign("ES256", privateKey)],
    [secret, await sign("HS512", createSecretKey(secret))],
  ];
  for (const [key, token] of keys) {
    await using pair = await ordersPair({ interceptors: [auth(byOne({ jwks: undefined, key }))] });
    expect((await pair.orders.track({}, bearing(token))).message).toBe("ada");
  }
  // The public key is no secret, though a token may say so.
  const pem = publicKey.export({ type: "spki", format: "pem" });
  const sly = await sign("HS256", createSecretKey(Buffer.from(pem)));
  for (const key of [pem, Buffer.from(pem)]) {
    await using pair = await ordersPair({ interceptors: [auth(byOne({ jwks: undefined, key }))] });
    await expect(pair.orders.track({}, bearing(sly))).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
  }
});

const { publicKey: everybodys } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const der = everybodys.export({ type: "spki", format: "der" });

test.each<[string, JwtOptions["key"]]>([
  ["in DER", der],
  ["in DER of PKCS #1", everybodys.export({ type: "pkcs1", format: "der" })],
  ["in base64, without the lines of PEM", Buffer.from(der.toString("base64"))],
  ["as the text of a JSON Web Key", Buffer.from(JSON.stringify(one.jwk))],
  ["as the text of a key set", Buffer.from(JSON.stringify({ keys: [one.jwk] }))],
  ["as OpenSSH writes it", Buffer.from(`ssh-rsa ${der.toString("base64")} ada@example`)],
  ["in PEM, made a secret", createSecretKey(Buffer.from(everybodys.export({ type: "spki", format: "pem" })))],
  ["of a certificate in DER", new X509Certificate(certs.authority).raw],
])("the bytes of a public key %s are taken for no secret", (_, key) => {
  expect(() => byOne({ jwks: undefined, key })).toThrow(
    "key is the bytes of a public key, and no secret: give it as PEM, a JSON Web Key or a KeyObject",
  );
});

test("the keys of an issuer are fetched once, and again for a key that is new", async () => {
  await using set = await serveKeySet(one.jwk);
  let timeMs = Date.now();
  await using pair = await ordersPair({ interceptors: [auth(byOne({ jwks: set.url, now: () => timeMs }))] });
  await Promise.all([1, 2, 3].map(async () => pair.orders.track({}, bearing(await one.sign()))));
  expect(set.asked).toBe(1);
  const two = await createIssuer("two");
  const options = bearing(await two.sign());
  set.keys = [one.jwk, two.jwk];
  // A token can name any key: it makes nobody ask again at once.
  await expect(pair.orders.track({}, options)).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
  expect(set.asked).toBe(1);
  timeMs += 31_000;
  expect((await pair.orders.track({}, options)).message).toBe("ada");
  expect(set.asked).toBe(2);
  // The set is due to be fetched anew when the token of another key comes.
  const three = await createIssuer("three");
  set.keys = [three.jwk];
  timeMs += 601_000;
  const bearingThree = bearing(await three.sign({ expires: Math.floor(timeMs / 1_000) + 60 }));
  expect((await pair.orders.track({}, bearingThree)).message).toBe("ada");
  expect(set.asked).toBe(3);
});

test("a clock that is set back keeps no key from being fetched", async () => {
  await using set = await serveKeySet(one.jwk);
  let timeMs = Date.now();
  await using pair = await ordersPair({ interceptors: [auth(byOne({ jwks: set.url, now: () => timeMs }))] });
  set.instead = { status: 503, body: "not now" };
  await expect(pair.orders.track({}, bearing(await one.sign()))).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  set.instead = undefined;
  timeMs -= 3_600_000;
  await pair.orders.track({}, bearing(await one.sign()));
  expect(set.asked).toBe(2);
  const two = await createIssuer("two");
  set.keys = [one.jwk, two.jwk];
  timeMs -= 3_600_000;
  expect((await pair.orders.track({}, bearing(await two.sign()))).message).toBe("ada");
  timeMs -= 3_600_000;
  await pair.orders.track({}, bearing(await one.sign({ subject: "eve" })));
  await expect.poll(() => set.asked).toBe(4);
});

test("keys that cannot be had any more go on to count, and new ones are taken up when they can", async () => {
  await using set = await serveKeySet(one.jwk);
  let timeMs = Date.now();
  const way = byOne({ jwks: set.url, now: () => timeMs, clockToleranceSeconds: 10_000 });
  await using pair = await ordersPair({ interceptors: [auth(way)] });
  await pair.orders.track({}, bearing(await one.sign()));
  set.instead = { status: 503, body: "not now" };
  timeMs += 601_000;
  expect((await pair.orders.track({}, bearing(await one.sign()))).message).toBe("ada");
  await expect.poll(() => set.asked).toBe(2);
  const two = await createIssuer("two");
  set.instead = undefined;
  set.keys = [two.jwk];
  timeMs += 31_000;
  await pair.orders.track({}, bearing(await one.sign()));
  await expect.poll(() => set.asked).toBe(3);
  timeMs += 31_000;
  expect((await pair.orders.track({}, bearing(await two.sign()))).message).toBe("ada");
});

test.each([
  ["an error", { status: 500, body: "" }],
  ["what is no JSON", { status: 200, body: "<html>" }],
  ["what is no key set", { status: 200, body: "{}" }],
  ["more than it may", { status: 200, body: `{"keys":[${" ".repeat(2_000_000)}]}` }],
])("while there were never keys, but %s, nobody is let in, and nobody is called a liar", async (_, instead) => {
  const log = createLog();
  await using set = await serveKeySet(one.jwk);
  set.instead = instead;
  let timeMs = Date.now();
  const interceptors = [auth(byOne({ jwks: set.url, now: () => timeMs }))];
  await using pair = await ordersPair({ interceptors, logger: log });
  const options = bearing(await one.sign());
  const refused = { code: Code.UNAVAILABLE, message: "who calls cannot be found out now" };
  await expect(pair.orders.track({}, options)).rejects.toMatchObject(refused);
  expect(JSON.stringify(log.lines)).toContain("a caller is not let in");
  timeMs += 2_000;
  set.instead = undefined;
  expect((await pair.orders.track({}, options)).message).toBe("ada");
});

test("a server does not start while a contract does not say who may call", async () => {
  const server = createServer({ interceptors: [auth(byOne())] });
  server.add(Greeter, greetings);
  await expect(server.listen("127.0.0.1:0")).rejects.toThrow(
    "the contract does not say who may call /greeter.v1.Greeter/SayHello, /greeter.v1.Greeter/SayHelloAgain, " +
      '/greeter.v1.Greeter/Chat: write option (trunkline.v1.method).auth = { scopes: ["…"] }, {} for whoever is known, or ' +
      "{ public: true }; or give auth what is asked where nothing is said: { undeclared: {} }",
  );
  await server.close();
  const open = createServer({ interceptors: [auth(byOne(), { undeclared: {} })] });
  open.add(Greeter, greetings);
  await open.listen("127.0.0.1:0");
  await open.close();
});

test("health is open to all, unless it is guarded too", async () => {
  const guard = auth(byOne());
  await using open = await ordersPair({ interceptors: [guard] });
  expect((await createClient(Health, open.channel).check({})).status).toBe(1);
  await using closed = await ordersPair({ interceptors: [guard], builtInInterceptors: [guard] });
  const health = createClient(Health, closed.channel);
  await expect(health.check({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
  expect((await health.check({}, bearing(await one.sign()))).status).toBe(1);
});

test("of several ways the first that finds somebody counts", async () => {
  const byName: Authenticate = ({ metadata }) => {
    const subject = metadata.get("x-name");
    return subject === undefined ? undefined : { subject, issuer: undefined, scopes: new Set(), claims: {} };
  };
  await using pair = await ordersPair({ interceptors: [auth([byName, byOne()])] });
  const token = await one.sign();
  expect((await pair.orders.track({}, { metadata: { "x-name": "eve" } })).message).toBe("eve");
  expect((await pair.orders.track({}, bearing(token))).message).toBe("ada");
  const twice = { metadata: { authorization: [`Bearer ${token}`, `Bearer ${token}`] } };
  await expect(pair.orders.track({}, twice)).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
  const basic = { metadata: { authorization: "Basic YTpi" } };
  await expect(pair.orders.track({}, basic)).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
});

test("tokens of several issuers are known, each by its own way, and the keys of one are not asked for those of another", async () => {
  const other = await createIssuer();
  await using set = await serveKeySet(one.jwk);
  set.instead = { status: 503, body: "" };
  const elsewhere = "https://elsewhere.example";
  const ways = [byOne({ jwks: set.url }), byOne({ jwks: { keys: [other.jwk] }, issuer: elsewhere })];
  await using pair = await ordersPair({ interceptors: [auth(ways)] });
  expect((await pair.orders.track({}, bearing(await other.sign({ issuer: elsewhere })))).message).toBe("ada");
  expect(set.asked).toBe(0);
  await expect(pair.orders.track({}, bearing(await one.sign()))).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  // Who signs for one issuer does not for the other.
  for (const token of [await other.sign(), await one.sign({ issuer: elsewhere })]) {
    set.instead = undefined;
    await expect(pair.orders.track({}, bearing(token))).rejects.toThrow();
  }
});

test("what a way throws is for the log, where another may know the caller", async () => {
  const log = createLog();
  const failing: Authenticate = () => {
    throw new Error("not mine");
  };
  await using pair = await ordersPair({ interceptors: [auth([failing, byOne()])], logger: log });
  expect((await pair.orders.track({}, bearing(await one.sign()))).message).toBe("ada");
  expect(log.of()).toEqual([]);
  await expect(pair.orders.track({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
  expect(log.of()).toMatchObject([{ fields: { why: "not mine" } }]);
});

test.each([[null], [undefined], ["s3cret"], [5]])(
  "a way that throws %j tells a caller no more than others",
  async (thrown) => {
    const log = createLog();
    const failing: Authenticate = () => {
      throw thrown;
    };
    await using pair = await ordersPair({ interceptors: [auth(failing)], logger: log });
    await expect(pair.orders.track({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
    expect(JSON.stringify(log.of())).toMatch(/it is (null|undefined|a string|a number) that was thrown/);
    expect(JSON.stringify(log.of())).not.toContain("s3cret");
  },
);

test("no part of what was sent for a token stands in the log", async () => {
  const text = (json: string) => Buffer.from(json).toString("base64url");
  const tokens = [
    `${text('{"alg":"ES256","kid":s3cret}')}.${text("{}")}.AA`,
    `${text('{"alg":"ES256"}')}.${text("s3cret")}.AA`,
  ];
  for (const token of tokens) {
    const log = createLog();
    await using pair = await ordersPair({ interceptors: [auth(byOne())], logger: log });
    await expect(pair.orders.track({}, bearing(token))).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
    expect(log.of()).toHaveLength(1);
    expect(JSON.stringify(log.lines)).not.toContain("s3cret");
  }
});

test("why keys cannot be had is told to the end", async () => {
  const log = createLog();
  const port = await freePort();
  const way = byOne({ jwks: `http://127.0.0.1:${port}/keys` });
  await using pair = await ordersPair({ interceptors: [auth(way)], logger: log });
  await expect(pair.orders.track({}, bearing(await one.sign()))).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  expect(JSON.stringify(log.of())).toMatch(/cannot be found out now: fetch failed: .*ECONNREFUSED/);
});

test.each([
  [{}, "jwt wants to know the issuer's keys: jwks, the set or its URL, or key"],
  [
    { jwks: { keys: [] }, key: Buffer.alloc(32) },
    "jwt wants to know the issuer's keys: jwks, the set or its URL, or key",
  ],
  [{ jwks: "http://id.example/keys" }, "jwks is no https: URL"],
  [{ jwks: "id.example" }, "jwks is no https: URL"],
  [{ jwks: "https://ada:s3cret@id.example/keys" }, /^the URL of jwks has a login, which no issuer asks for$/],
  [{ key: Buffer.alloc(32), algorithms: "HS256" }, "algorithms is a string: give a list of texts"],
  [{ jwks: {} }, "jwks is no JSON Web Key Set"],
  [{ key: "secret" }, "key is neither a public key in PEM nor a JSON Web Key"],
  [{ key: Buffer.from("secret") }, "key is a secret of fewer than 32 bytes"],
  [{ key: generateKeyPairSync("ed25519").privateKey }, "key is a private key"],
  [{ key: Buffer.alloc(32), issuer: "" }, "jwt wants to know the issuer of its tokens"],
  [{ key: Buffer.alloc(32), audience: [] }, "jwt wants to know the audience of its tokens"],
  [{ key: Buffer.alloc(32), audiance: "x" }, 'jwt has no option "audiance": did you mean audience?'],
])("jwt refuses what it cannot work with: %j", (options, message) => {
  expect(() => jwt({ issuer, audience, ...options } as JwtOptions)).toThrow(message);
});
