import { Code, createServer } from "trunkline";
import { type Authenticate, allow, auth, mutualTls, type Rules } from "trunkline/auth";
import { expect, test } from "vitest";
import * as certs from "../support/certs.ts";
import { createLog } from "../support/log.ts";
import { Orders, ordersPair } from "./orders.ts";

const named: Authenticate = ({ metadata }) => {
  const subject = metadata.get("x-name");
  const scopes = new Set((metadata.get("x-scopes") ?? "orders:write orders:read").split(" "));
  return subject === undefined ? undefined : { subject, issuer: metadata.get("x-issuer"), scopes, claims: {} };
};

const as = (name: string, more = {}) => ({ metadata: { "x-name": name, ...more } });

async function isLetIn(rules: Rules, ...options: Parameters<typeof as>): Promise<boolean> {
  await using pair = await ordersPair({ interceptors: [auth(named), allow(rules)] });
  try {
    await pair.orders.place({}, as(...options));
    return true;
  } catch (error) {
    expect(error).toMatchObject({
      code: Code.PERMISSION_DENIED,
      message: "/orders.v1.Orders/Place is not for this caller",
    });
    return false;
  }
}

test("who is named is let in, and nobody else", async () => {
  const rules: Rules = { "orders.v1.Orders/Place": { subjects: ["ada", "team/*"] }, "*": {} };
  expect(await isLetIn(rules, "ada")).toBe(true);
  expect(await isLetIn(rules, "team/grace")).toBe(true);
  expect(await isLetIn(rules, "adam")).toBe(false);
  expect(await isLetIn(rules, "team")).toBe(false);
});

test("the closest rule holds, alone; of a list one is enough", async () => {
  expect(await isLetIn({ "*": { subjects: ["ada"] }, "orders.v1.Orders": { subjects: ["grace"] } }, "ada")).toBe(false);
  const narrow: Rules = {
    "orders.v1.Orders": { subjects: ["ada"] },
    "/orders.v1.Orders/Place": { subjects: ["grace"] },
  };
  expect(await isLetIn(narrow, "ada")).toBe(false);
  expect(await isLetIn(narrow, "grace")).toBe(true);
  expect(await isLetIn({ "*": [{ subjects: ["ada"] }, { scopes: ["orders:write"] }] }, "eve")).toBe(true);
});

test("issuer, scopes and a rule of one's own must hold together", async () => {
  const when = async ({ subject }: { subject: string }) => subject !== "eve";
  const rules: Rules = { "*": { issuer: "id", scopes: ["admin"], when } };
  const right = { "x-issuer": "id", "x-scopes": "orders:write admin" };
  expect(await isLetIn(rules, "ada", right)).toBe(true);
  expect(await isLetIn(rules, "eve", right)).toBe(false);
  expect(await isLetIn(rules, "ada", { ...right, "x-issuer": "other" })).toBe(false);
  expect(await isLetIn(rules, "ada", { ...right, "x-scopes": "orders:write" })).toBe(false);
});

test("a public method can be shut to all", async () => {
  await using pair = await ordersPair({ interceptors: [auth(named), allow({ "orders.v1.Orders/Menu": [], "*": {} })] });
  await expect(pair.orders.menu({}, as("ada"))).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
  expect((await pair.orders.track({}, as("ada"))).message).toBe("ada");
});

test.each(["*", "orders.v1.Orders"])(
  "a public method that no rule names is left alone, by a rule for %s too",
  async (name) => {
    await using pair = await ordersPair({ interceptors: [auth(named), allow({ [name]: { subjects: ["ada"] } })] });
    expect((await pair.orders.menu({})).message).toBe("nobody");
    await expect(pair.orders.track({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
    await expect(pair.orders.track({}, as("eve"))).rejects.toMatchObject({ code: Code.PERMISSION_DENIED });
  },
);

test.each<[Rules, string]>([
  [{ "orders.v1.Orders/Plaice": {} }, "allow names /orders.v1.Orders/Plaice, which this server does not have"],
  [
    { "orders.v1.Orders/Menu": {}, "*": {} },
    "allow has a rule for /orders.v1.Orders/Menu, which its contract declares public: nobody is known there, and nobody " +
      "would be let in; leave it out, or give it [] to shut it to all",
  ],
  [{ "orders.v1.Orders/Place": {} }, "no rule of allow speaks of /orders.v1.Orders/Track, /orders.v1.Orders/Follow"],
])("a server does not start with %j", async (rules, message) => {
  const server = createServer({ interceptors: [allow(rules)] });
  server.add(Orders, { menu: () => ({}), track: () => ({}), place: () => ({}), async *follow() {} });
  await expect(server.listen("127.0.0.1:0")).rejects.toThrow(message);
  await server.close();
});

test("allow refuses a name given twice, and an option that a rule has not", () => {
  expect(() => allow({ "a.B/C": {}, "/a.B/C": {} })).toThrow("allow names /a.B/C twice: give it one rule, or a list");
  expect(() => allow({ "*": { subject: ["x"] } as never })).toThrow('the rule of * has no option "subject"');
});

test.each<[unknown, string]>([
  [undefined, 'the rules of allow is undefined: give an object: { "*": {} }'],
  [{ "*": { subjects: "ada" } }, "the rule of *: subjects is a string: give a list of texts"],
  [{ "*": { scopes: ["a", 5] } }, "the rule of *: scopes is a list: give a list of texts"],
  [{ "*": { issuer: 5 } }, "the rule of *: issuer is a number: give text"],
  [{ "*": [{ when: true }] }, "the rule of *: when is a boolean: give a function, such as"],
])("allow refuses %j", (rules, message) => {
  expect(() => allow(rules as Rules)).toThrow(message);
});

test.each<[unknown, string]>([
  [{ scope: ["orders:write"] }, 'undeclared has no option "scope": did you mean scopes?'],
  [{ scopes: "orders:write" }, "undeclared.scopes is a string: give a list of texts"],
  [{ public: "false" }, "undeclared.public is a string: give true or false"],
  [true, "the options of undeclared are a boolean: give an object"],
])("auth refuses to ask for %j", (undeclared, message) => {
  expect(() => auth(named, { undeclared } as never)).toThrow(message);
});

test.each<[string, unknown]>([
  ["false", false],
  ["true", true],
  ["null", null],
  ["an empty object", {}],
  ["a function that was to be called", () => named],
  ["somebody without a name", { subject: "", scopes: new Set() }],
  ["scopes that are a list", { subject: "ada", scopes: ["orders:write"] }],
])("a way that gives %s lets nobody in", async (_, found) => {
  const log = createLog();
  await using pair = await ordersPair({ interceptors: [auth(() => found as never)], logger: log });
  await expect(pair.orders.track({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
  if (found !== null) expect(JSON.stringify(log.lines)).toContain("that is no Identity: it has a subject");
});

test("a rule's own word is taken for a yes only where it is one", async () => {
  expect(await isLetIn({ "*": { when: () => ({}) as never } }, "ada")).toBe(false);
});

const tls = { ca: certs.authority, ...certs.clientCertificate };

test("a certificate makes its owner known by its SPIFFE id", async () => {
  const rules: Rules = { "*": { subjects: ["spiffe://example/*"] } };
  const scopesOf = () => ["orders:write"];
  const interceptors = [auth(mutualTls({ trustDomain: "example", scopesOf })), allow(rules)];
  await using pair = await ordersPair({ tls: certs.mutualTls, interceptors }, { tls });
  expect((await pair.orders.place({})).message).toBe("spiffe://example/client");
});

test("who has no id of the trust domain is not known, nor who shows no certificate", async () => {
  const elsewhere = [auth(mutualTls({ trustDomain: "example.org" }))];
  await using pair = await ordersPair({ tls: certs.mutualTls, interceptors: elsewhere }, { tls });
  await expect(pair.orders.track({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
  await using plain = await ordersPair({ interceptors: [auth(mutualTls())] });
  await expect(plain.orders.track({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
});

const tlsOf = (CN: string | undefined, ...alternativeNames: string[]) => ({
  caller: { address: "127.0.0.1:1", tls: { subject: { CN }, alternativeNames, fingerprint256: "" } },
});

test.each([
  ["its SPIFFE id", tlsOf("a", "DNS:a.example", "URI:spiffe://x/y"), "spiffe://x/y"],
  ["its common name", tlsOf("a", "DNS:a.example"), "a"],
  ["its DNS name", tlsOf(undefined, "URI:https://a.example", "DNS:a.example"), "a.example"],
  ["nothing", tlsOf(undefined), undefined],
])("a certificate makes known by %s", (_, call, subject) => {
  const found = mutualTls()(call as never) as { subject: string } | undefined;
  expect(found?.subject).toBe(subject);
});

test("nobody takes a SPIFFE id by a common name, or by a second URI", () => {
  expect(() => mutualTls()(tlsOf("spiffe://x/admin") as never)).toThrow("never a common name");
  expect(() => mutualTls()(tlsOf("SPIFFE://x/admin") as never)).toThrow("never a common name");
  expect(() => mutualTls()(tlsOf(undefined, "DNS:spiffe://x/admin") as never)).toThrow("or a DNS name");
  expect(() => mutualTls()(tlsOf("a", "URI:spiffe://x/y", "URI:spiffe://x/z") as never)).toThrow("has no other URI");
});

test.each([
  "SPIFFE://x/y",
  "spiffe://X/y",
  "spiffe://x/../y",
  "spiffe://x:443/y",
  "spiffe://x/a b",
  "spiffe://x/y?z",
  "spiffe://x/y/",
])("%s is no SPIFFE id, nor is its owner known by another name", (uri) => {
  expect(() => mutualTls()(tlsOf("a", `URI:${uri}`) as never)).toThrow(`${uri} is no SPIFFE id`);
});

test.each<[unknown]>([[""], ["x/"], ["SHOP.example"], ["spiffe://"], [5]])("%j is no trust domain", (trustDomain) => {
  expect(() => mutualTls({ trustDomain } as never)).toThrow("trustDomain is no trust domain: give one in lower case");
});
