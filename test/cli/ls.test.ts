import { once } from "node:events";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { createServer, type Registry, registryFromUri, type Server } from "trunkline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { createDevEtcd, type DevEtcd } from "../../src/devetcd/index.ts";
import { etcdClient } from "../devetcd/etcd-client.ts";
import { freePort } from "../support/free-port.ts";
import { greetings } from "../support/greeter.ts";
import { json, lines, start, trunkline } from "./trunkline.ts";

let etcd: DevEtcd;
let registry: Registry;
let server: Server;
let uri: string;
beforeAll(async () => {
  etcd = createDevEtcd();
  await etcd.listen();
  uri = etcd.uri ?? "";
  registry = await registryFromUri(uri);
  server = createServer({ registry }).add(Greeter, greetings);
  await server.listen("127.0.0.1:0");
  await server.registered;
  const endpoint = { address: "10.0.0.1:50051", metadata: { version: "1.2.0", zone: "a" } };
  await registry.register({ services: ["shop.v1.Cart"], endpoint }).registered;
});
afterAll(async () => {
  await server.close();
  await registry.close();
  await etcd.close();
});

test("lists services with their servers", async () => {
  const { code, stdout, stderr } = await trunkline(["ls"], { registry: uri });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^greeter\.v1\.Greeter\n {2}127\.0\.0\.1:\d+/);
  expect(stdout).toMatch(/shop\.v1\.Cart\n {2}10\.0\.0\.1:50051 {2}version=1\.2\.0 {2}zone=a\n$/);
});

test("--json prints a line for each service", async () => {
  const { stdout } = await trunkline(["ls", "--json", "--registry", uri]);
  expect(lines(stdout).map(json)).toMatchObject([
    { service: "greeter.v1.Greeter", endpoints: [{ address: server.address }] },
    { service: "shop.v1.Cart", endpoints: [{ address: "10.0.0.1:50051", metadata: { version: "1.2.0", zone: "a" } }] },
  ]);
});

test("lists one service", async () => {
  const { code, stdout } = await trunkline(["ls", "shop.v1.Cart"], { registry: uri });
  expect({ code, stdout }).toEqual({ code: 0, stdout: "shop.v1.Cart\n  10.0.0.1:50051  version=1.2.0  zone=a\n" });
});

test("a service that nobody registered is a failure that names those there are", async () => {
  const { code, stdout, stderr } = await trunkline(["ls", "shop.v1.Card"], { registry: uri });
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toBe(
    'the registry has no server of shop.v1.Card; did you mean "shop.v1.Cart" (it has: greeter.v1.Greeter, shop.v1.Cart)\n',
  );
});

test("a registry that does not answer is named, with why", async () => {
  const away = `etcd://127.0.0.1:${await freePort()}`;
  for (const args of [["ls"], ["ls", "a.B"]]) {
    const { code, stdout, stderr } = await trunkline(args, { registry: away });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/ECONNREFUSED|does not answer/);
  }
});

test("a registry that takes the connection and says nothing is waited for as long as --timeout says, and no longer than Ctrl-C", async () => {
  const silent = createTcpServer(() => silent.emit("asked")).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const registry = `etcd://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  for (const args of [["ls"], ["ls", "a.B"], ["call", "a.B/C"]]) {
    const { code, stdout, stderr } = await trunkline([...args, "--timeout", "300"], { registry });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^the registry does not answer for (its services|a\.B): it was silent for 300 ms\n$/);
    const interruption = new AbortController();
    silent.once("asked", () => interruption.abort());
    const begun = performance.now();
    expect(await trunkline(args, { registry, signal: interruption.signal })).toEqual({
      code: 130,
      stdout: "",
      stderr: "",
    });
    expect(performance.now() - begun).toBeLessThan(3_000);
  }
  silent.close();
});

test("where there is nothing to list it says why", async () => {
  const addresses = await trunkline(["ls", "-r", "127.0.0.1:2379"]);
  // A script must not take it for a registry that is empty.
  expect(addresses).toMatchObject({ code: 2, stdout: "" });
  expect(addresses.stderr).toMatch(/^a list of addresses names no services: write etcd:\/\/HOST:PORT\n/);
  await using empty = createDevEtcd();
  await empty.listen();
  expect(await trunkline(["ls"], { registry: empty.uri })).toEqual({ code: 0, stdout: "", stderr: "no services\n" });
});

test("a service in the registry that is called without a method is answered with its methods", async () => {
  const { code, stderr } = await trunkline(["call", "greeter.v1.Greeter"], { registry: uri });
  expect(code).toBe(2);
  expect(stderr).toContain("greeter.v1.Greeter is a service: write greeter.v1.Greeter/<method>; it has: SayHello,");
});

test("--watch prints the service whenever it changes", async () => {
  const program = start(["ls", "watched.v1.Service", "--watch", "--json", "-r", uri]);
  await program.printed(/"endpoints":\[\]/);
  const registration = registry.register({ services: ["watched.v1.Service"], endpoint: { address: "10.0.0.2:1" } });
  await program.printed(/10\.0\.0\.2:1/);
  await registration.close();
  await program.printed(/10\.0\.0\.2:1[\s\S]*"endpoints":\[\]/);
  program.child.kill("SIGINT");
  expect(await program.ended).toMatchObject({ code: 0, stderr: "" });
});

test("--watch is for a reader, too", async () => {
  const watched = "shop.v1.Cart";
  const outcome = await trunkline(["ls", watched, "--watch"], {
    registry: uri,
    interrupt: (line) => line.includes("zone=a"),
  });
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  expect(outcome.stdout).toMatch(/shop\.v1\.Cart\n {2}10\.0\.0\.1:50051 {2}version=1\.2\.0 {2}zone=a\n$/);
});

test("a call finds its server in the registry, and asks that server for the contract", async () => {
  const args = ["call", "greeter.v1.Greeter/SayHello", "-d", '{"name": "you"}'];
  const { code, stdout } = await trunkline(args, { registry: uri });
  expect(code).toBe(0);
  expect(json(stdout)).toEqual({ message: "Hello you" });
});

test("a call of a service that nobody registered is UNAVAILABLE", async () => {
  const { code, stderr } = await trunkline(["call", "no.such.Service/Method"], { registry: uri });
  expect(code).toBe(1);
  expect(stderr).toBe(
    "UNAVAILABLE: the registry has no server of no.such.Service (it has: greeter.v1.Greeter, shop.v1.Cart)\n",
  );
});

test("a call over TLS says that the registry names whom to trust, unless --server-name does", async () => {
  const note = /^whoever may write the registry and has a certificate is trusted: --server-name says whom to expect\n/;
  const call = (...args: readonly string[]) => trunkline(["call", "shop.v1.Card/Get", ...args]);
  expect((await call("--tls", "-r", uri)).stderr).toMatch(note);
  expect((await call("-r", uri)).stderr).not.toMatch(note);
  expect((await call("--tls", "--server-name", "shop", "-r", uri)).stderr).not.toMatch(note);
  expect((await call("--tls", "-r", `static://127.0.0.1:${await freePort()}`)).stderr).not.toMatch(note);
});

test("entries that cannot be read are counted, where there are servers beside them and where there is none", async () => {
  const client = etcdClient(uri.replace("etcd://", ""));
  const put = (key: string, value: string) => client.kv.put({ key: Buffer.from(key), value: Buffer.from(value) });
  await put("odd.v1.None/a", "nonsense");
  await put("odd.v1.Some/a", "nonsense");
  await put("odd.v1.Some/b", '{"Addr":"10.0.0.1:1"}');
  const none = await trunkline(["ls", "odd.v1.None"], { registry: uri });
  expect(none.stderr).toMatch(/^the registry has no server of odd\.v1\.None.* \(1 entry cannot be read; it has: /);
  const called = await trunkline(["call", "odd.v1.None/Do"], { registry: uri });
  expect(called.stderr).toMatch(
    /^UNAVAILABLE: the registry has no server of odd\.v1\.None.* \(1 entry cannot be read; /,
  );
  const some = await trunkline(["ls", "odd.v1.Some"], { registry: uri });
  expect(some.stdout).toBe("odd.v1.Some (1 entry cannot be read)\n  10.0.0.1:1\n");
  const inJson = await trunkline(["ls", "odd.v1.Some", "--json"], { registry: uri });
  expect(json(inJson.stdout)).toMatchObject({ incomplete: "1 entry cannot be read" });
  await client.channel.close();
});

/** A registry with so many servers of one service: in zone a, b or c by turns. */
async function large(count: number): Promise<{ readonly uri: string; close(): Promise<void> }> {
  const store = createDevEtcd();
  await store.listen();
  const { kv, channel } = etcdClient(store.address ?? "");
  for (let i = 0; i < count; i++) {
    const Addr = `10.0.${i >> 8}.${i & 255}:50051`;
    const value = JSON.stringify({ Op: 0, Addr, Metadata: { zone: "abc"[i % 3], version: i < 10 ? "2" : "1" } });
    await kv.put({ key: Buffer.from(`big.v1.Big/${Addr}`), value: Buffer.from(value) });
  }
  return {
    uri: store.uri ?? "",
    async close() {
      await channel.close();
      await store.close();
    },
  };
}

test("of many servers the first are listed, and the others counted", async () => {
  const many = await large(500);
  const list = async (...flags: readonly string[]) => {
    const { code, stdout, stderr } = await trunkline(["ls", "big.v1.Big", "--registry", many.uri, ...flags]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return lines(stdout);
  };
  const usual = await list();
  expect(usual).toHaveLength(52);
  expect(usual.at(-1)).toMatch(
    /^ {2}and 450 more, zone [abc] 150, [abc] 150, [abc] 150, version 1 4\d\d(, 2 \d+)?; --limit 0 for all$/,
  );
  expect(await list("--limit", "0")).toHaveLength(501);
  expect(await list("--limit", "3")).toHaveLength(5);
  const zoned = await list("--zone", "a", "--limit", "0");
  expect(zoned).toHaveLength(168);
  expect(zoned.slice(1).every((line) => line.includes("zone=a"))).toBe(true);
  const [all] = (await list("--json")).map(json) as { endpoints: unknown[]; more?: number }[];
  expect(all?.endpoints).toHaveLength(500);
  const [few] = (await list("--json", "--limit", "2", "--zone", "b")).map(json) as {
    endpoints: unknown[];
    more?: number;
  }[];
  expect({ listed: few?.endpoints.length, more: few?.more }).toEqual({ listed: 2, more: 165 });
  await many.close();
});

test("a zone without servers is a failure that names those there are", async () => {
  const { code, stderr } = await trunkline(["ls", "shop.v1.Cart", "--zone", "b"], { registry: uri });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'shop.v1.Cart has no server in zone "b" (it has 1, zone a 1)\n',
  });
  const { stdout } = await trunkline(["ls", "--zone", "a"], { registry: uri });
  expect(stdout).toContain("greeter.v1.Greeter\n  no servers there, and 1 elsewhere\n");
});

test.each(["x", "-1", "1.5"])("a limit of %s is refused", async (limit) => {
  const { code, stderr } = await trunkline(["ls", `--limit=${limit}`], { registry: uri });
  expect(code).toBe(2);
  expect(stderr).toContain(`--limit ${limit} is no number: give 1 or more, or 0 for all`);
});
