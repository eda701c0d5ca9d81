import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { createChannel } from "../../src/client/channel.ts";
import { Call } from "../../src/core/call.ts";
import { createFacts, type Fact, type Observer } from "../../src/core/facts.ts";
import { type EtcdOptions, etcd, goNaming, goZero } from "../../src/registry/etcd/index.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { type EtcdKeys, openEtcdKeys } from "../support/etcd-keys.ts";
import { createLog } from "../support/log.ts";
import { createProxy, type TcpProxy } from "../support/proxy.ts";
import { watchService } from "../support/snapshots.ts";
import { freshService } from "./registry.ts";

/**
 * What the etcd registry does with an etcd, a real one or one that speaks its API: what it writes, what it can read, and
 * how it comes back. `url` is asked for once the suite runs; `client` is what it is asked by.
 */
export function etcdRegistryContract(name: string, url: () => string, by: Pick<EtcdOptions, "client"> = {}): void {
  describe(`the etcd registry contract: ${name}`, () => {
    let keys: EtcdKeys;
    beforeAll(() => {
      keys = openEtcdKeys(url());
    });
    afterAll(() => keys.close());

    const toClose: (() => void | Promise<void>)[] = [];
    afterEach(async () => {
      for (const close of toClose.splice(0).reverse()) await close();
    });
    const registry = (options: EtcdOptions = {}, at = url()): Registry => {
      const made = etcd(at, { ...by, ...options });
      toClose.push(() => made.close());
      return made;
    };
    const proxy = async (): Promise<TcpProxy> => {
      const made = await createProxy(new URL(url()).host);
      toClose.push(() => made.close());
      return made;
    };

    test("writes what etcd's Go naming package writes, all under one lease", async () => {
      const services = [freshService(), freshService()];
      const endpoint = { address: "10.0.0.5:50051", metadata: { zone: "a", weight: "3" } };
      await registry().register({ services, endpoint }).registered;
      const entries = (await Promise.all(services.map((service) => keys.list(service)))).flat();
      expect(entries.map(({ key }) => key)).toEqual(services.map((service) => `${service}/10.0.0.5:50051`));
      for (const { value } of entries) {
        expect(value).toBe('{"Op":0,"Addr":"10.0.0.5:50051","Metadata":{"zone":"a","weight":"3"}}');
      }
      expect(new Set(entries.map(({ leaseId }) => leaseId)).size).toBe(1);
      expect(entries[0]?.leaseId).not.toBe("0");
    });

    test("writes null where there is no metadata", async () => {
      const service = freshService();
      await registry().register({ services: [service], endpoint: { address: "[::1]:50051" } }).registered;
      expect(await keys.list(service)).toMatchObject([
        { key: `${service}/[::1]:50051`, value: '{"Op":0,"Addr":"[::1]:50051","Metadata":null}' },
      ]);
    });

    test("writes every dialect under one lease, and takes all of them out together", async () => {
      const service = freshService();
      const it = registry({ dialects: ["go-naming", "go-zero", "kratos", "kitex"] });
      const registration = it.register({ services: [service], endpoint: { address: "10.0.0.5:50051" } });
      await registration.registered;
      const roots = [`${service}/`, `${service}.rpc/`, `/microservices/${service}/`, `kitex/registry-etcd/${service}/`];
      const list = async () => (await Promise.all(roots.map((root) => keys.list(root)))).flat();
      const entries = await list();
      const leaseId = entries[0]?.leaseId;
      expect(entries.map(({ key }) => key).sort()).toEqual(
        [
          `${service}/10.0.0.5:50051`,
          `${service}.rpc/${leaseId}`,
          `/microservices/${service}/10.0.0.5:50051`,
          `kitex/registry-etcd/${service}/10.0.0.5:50051`,
        ].sort(),
      );
      expect(entries.every((entry) => entry.leaseId === leaseId)).toBe(true);
      await registration.close();
      expect(await list()).toEqual([]);
    });

    test("reads what others write in every dialect, one server for each address", async () => {
      const service = freshService();
      const kratosValue = { id: "x", name: service, endpoints: ["http://10.0.0.3:80", "grpc://10.0.0.3:1000"] };
      const kitexValue = { network: "tcp", address: "10.0.0.4:1000", weight: 10, tags: { zone: "b" } };
      await keys.put(`${service}/anything`, '{"Op":0,"Addr":"10.0.0.1:1000","Metadata":{"a":1,"b":null,"c":{"d":[]}}}');
      await keys.put(`${service}/10.0.0.2:1000`, '{"Op":1,"Addr":"10.0.0.2:1000","Metadata":null}');
      await keys.put(`${service}.rpc/7587`, "10.0.0.5:1000");
      await keys.put(`${service}.rpc/7588`, "10.0.0.1:1000");
      await keys.put(`/microservices/${service}/x`, JSON.stringify(kratosValue));
      await keys.put(`kitex/registry-etcd/${service}/10.0.0.4:1000`, JSON.stringify(kitexValue));
      const watched = watchService(registry({ dialects: ["go-naming", "go-zero", "kratos", "kitex"] }), service);
      const { endpoints } = await watched.until(({ state }) => state === "current");
      const byAddress = Object.fromEntries(endpoints.map(({ address, metadata }) => [address, metadata]));
      expect(byAddress).toEqual({
        "10.0.0.1:1000": { a: "1", c: '{"d":[]}' },
        "10.0.0.2:1000": undefined,
        "10.0.0.3:1000": undefined,
        "10.0.0.4:1000": { zone: "b", weight: "10" },
        "10.0.0.5:1000": undefined,
      });
      expect(endpoints.length).toBe(5);
    });

    test("reads two dialects below one prefix, and refuses to write them there", async () => {
      const service = freshService();
      const it = registry({ dialects: ["go-naming", goZero({ keyOf: (name) => name })] });
      await keys.put(`${service}/x`, '{"Addr":"10.0.0.1:1000"}');
      await keys.put(`${service}/7587`, "10.0.0.2:1000");
      await watchService(it, service).untilCurrent("10.0.0.1:1000", "10.0.0.2:1000");
      expect(() => it.register({ services: [service], endpoint: { address: "10.0.0.3:1000" } })).toThrow(
        `go-naming and go-zero would both write below "${service}/"`,
      );
    });

    test("an entry that cannot be read is left out and logged once, and the others serve", async () => {
      const service = freshService();
      const log = createLog();
      const bad = {
        "not-json": "nonsense",
        "no-object": "[1]",
        "no-address": '{"Op":0}',
        "odd-address": '{"Addr":7}',
        "no-port": '{"Addr":"10.0.0.1"}',
        "bad-port": '{"Addr":"10.0.0.1:99999"}',
        "port-0": '{"Addr":"10.0.0.1:0"}',
        empty: "",
      };
      for (const [key, value] of Object.entries(bad)) await keys.put(`${service}/${key}`, value);
      await keys.put(`${service}/good`, '{"Op":0,"Addr":"10.0.0.1:1000"}');
      const it = registry({ logger: log, relistMs: 100 });
      const watched = watchService(it, service);
      await watched.untilCurrent("10.0.0.1:1000");
      // Lists more than once, and sees a bad entry come by a watch too.
      await keys.put(`${service}/late`, "{");
      await keys.put(`${service}/second`, '{"Op":0,"Addr":"10.0.0.2:1000"}');
      await watched.untilCurrent("10.0.0.1:1000", "10.0.0.2:1000");
      await keys.delete(`${service}/second`);
      await watched.untilCurrent("10.0.0.1:1000");
      const logged = log.of().map(({ fields }) => String(fields.key));
      expect(logged.length).toBe(Object.keys(bad).length + 1);
      expect(new Set(logged)).toEqual(new Set([...Object.keys(bad), "late"].map((key) => `${service}/${key}`)));
      expect(log.of()[0]?.fields).toMatchObject({ service, problem: expect.stringContaining("go-naming: ") });
    });

    test("an entry that is repaired serves", async () => {
      const service = freshService();
      await keys.put(`${service}/x`, "nonsense");
      const watched = watchService(registry(), service);
      await watched.untilCurrent();
      await keys.put(`${service}/x`, '{"Addr":"10.0.0.1:1000"}');
      await watched.untilCurrent("10.0.0.1:1000");
      await keys.put(`${service}/x`, "nonsense");
      await watched.untilCurrent();
    });

    test("keys that are deleted by hand come back under the same lease", async () => {
      const services = [freshService(), freshService()] as const;
      const it = registry();
      await it.register({ services, endpoint: { address: "10.0.0.1:1000" } }).registered;
      const watched = watchService(it, services[0]);
      await watched.untilCurrent("10.0.0.1:1000");
      const list = async () => (await Promise.all(services.map((service) => keys.list(service)))).flat();
      const before = await list();
      await keys.delete(...before.map(({ key }) => key));
      await vi.waitUntil(async () => (await list()).length === before.length, { timeout: 10_000 });
      const after = await list();
      expect(after.every(({ modRevision }, i) => modRevision > (before[i]?.modRevision ?? 0))).toBe(true);
      expect(after.map((entry) => ({ ...entry, modRevision: 0 }))).toEqual(
        before.map((entry) => ({ ...entry, modRevision: 0 })),
      );
      await watched.untilCurrent("10.0.0.1:1000");
    });

    test("a key that is overwritten with nonsense under no lease is put right once it is deleted", async () => {
      const service = freshService();
      const log = createLog();
      const it = registry({ logger: log });
      await it.register({ services: [service], endpoint: { address: "10.0.0.1:1000" } }).registered;
      const watched = watchService(it, service);
      await watched.untilCurrent("10.0.0.1:1000");
      const key = `${service}/10.0.0.1:1000`;
      await keys.put(key, "nonsense");
      await watched.untilCurrent();
      await log.until("another server announces the same address; its entry stands until it goes");
      await keys.delete(key);
      await watched.untilCurrent("10.0.0.1:1000");
    });

    test("a lease that is revoked by hand is granted anew at once, long before it would be renewed", async () => {
      const service = freshService();
      const log = createLog();
      const it = registry({ ttlSeconds: 120, logger: log });
      await it.register({ services: [service], endpoint: { address: "10.0.0.1:1000" } }).registered;
      const [before] = await keys.list(service);
      await keys.revoke(before?.leaseId ?? "");
      await log.until("registered again");
      await watchService(it, service).untilCurrent("10.0.0.1:1000");
      const [after] = await keys.list(service);
      expect(after?.leaseId).not.toBe(before?.leaseId);
      const registrations = log.of("info", "warn").map(({ message }) => message);
      expect(registrations).toEqual(["registered", expect.stringContaining("cannot keep"), "registered again"]);
    });

    test("what becomes of a registration is told to the registry's observers and to the server's", async () => {
      const service = freshService();
      const heard: Fact[] = [];
      const again = Promise.withResolvers<void>();
      const server = createFacts({
        observers: [
          { "registration-made": (fact) => heard.push(fact), "registration-lost": (fact) => heard.push(fact) },
        ],
      });
      const observers: Observer[] = [{ "registration-restored": () => again.resolve() }];
      const it = registry({ ttlSeconds: 120, observers });
      const address = "10.0.0.1:1000";
      await it.register({ services: [service], endpoint: { address } }, server).registered;
      const [before] = await keys.list(service);
      await keys.revoke(before?.leaseId ?? "");
      await again.promise;
      const whose = { services: [service], address };
      expect(heard).toMatchObject([
        { kind: "registration-made", ...whose, leaseId: before?.leaseId },
        { kind: "registration-lost", ...whose, reason: expect.any(String) },
      ]);
    });

    test("a registration outlives its lease's time while it is renewed", async () => {
      const service = freshService();
      const it = registry({ ttlSeconds: 3 });
      await it.register({ services: [service], endpoint: { address: "10.0.0.1:1000" } }).registered;
      const watched = watchService(it, service);
      await watched.untilCurrent("10.0.0.1:1000");
      const [before] = await keys.list(service);
      await new Promise((resolve) => setTimeout(resolve, 6_000));
      expect(await keys.list(service)).toEqual([before]);
      expect(watched.seen.every(({ endpoints }) => endpoints.length === 1)).toBe(true);
    });

    test("a client that was cut off sees what has changed meanwhile, and its list is never empty", async () => {
      const service = freshService();
      const way = await proxy();
      const server = registry();
      const gone = server.register({ services: [service], endpoint: { address: "10.0.0.1:1000" } });
      await gone.registered;
      const watched = watchService(registry({}, `http://${way.address}`), service);
      await watched.untilCurrent("10.0.0.1:1000");
      way.refuse();
      await watched.until(({ state }) => state === "stale");
      await server.register({ services: [service], endpoint: { address: "10.0.0.2:1000" } }).registered;
      await gone.close();
      way.pass();
      await watched.untilCurrent("10.0.0.2:1000");
      const later = watched.seen.slice(watched.seen.findIndex(({ endpoints }) => endpoints.length > 0));
      expect(later.every(({ endpoints }) => endpoints.length === 1)).toBe(true);
      expect(watched.seen.find(({ state }) => state === "stale")?.reason).toBeTruthy();
    });

    test("a client whose history was compacted while it was cut off lists again", async () => {
      const service = freshService();
      const way = await proxy();
      const server = registry();
      await server.register({ services: [service], endpoint: { address: "10.0.0.1:1000" } }).registered;
      const log = createLog();
      const watched = watchService(registry({ logger: log }, `http://${way.address}`), service);
      await watched.untilCurrent("10.0.0.1:1000");
      way.stall();
      await server.register({ services: [service], endpoint: { address: "10.0.0.2:1000" } }).registered;
      await keys.compact();
      way.cut();
      way.pass();
      await watched.untilCurrent("10.0.0.1:1000", "10.0.0.2:1000");
      expect(log.of()).toEqual([]);
    });

    test("an etcd that nobody answers for is unknown, never an empty list", async () => {
      const way = await proxy();
      way.refuse();
      const service = freshService();
      const watched = watchService(registry({}, `http://${way.address}`), service);
      const first = await watched.until(() => true);
      expect(first).toMatchObject({ state: "unknown", endpoints: [], reason: expect.any(String) });
      way.pass();
      await watched.untilCurrent();
    });

    test("a namespace keeps services apart, and stands before every key", async () => {
      const service = freshService();
      const [a, b] = [registry({ namespace: "team-a/" }), registry({}, `${url()}/team-b/`)];
      await a.register({ services: [service], endpoint: { address: "10.0.0.1:1000" } }).registered;
      await b.register({ services: [service], endpoint: { address: "10.0.0.2:1000" } }).registered;
      await watchService(a, service).untilCurrent("10.0.0.1:1000");
      await watchService(b, service).untilCurrent("10.0.0.2:1000");
      await watchService(registry(), service).untilCurrent();
      expect(await a.services()).toContain(service);
      expect(await registry().services()).not.toContain(service);
      expect((await keys.list("team-b/")).map(({ key }) => key)).toContain(`team-b/${service}/10.0.0.2:1000`);
    });

    test("lists the services of every dialect, and nothing else that stands in etcd", async () => {
      const [naming, zero, kratos, kitex] = [freshService(), freshService(), freshService(), freshService()];
      await keys.put(`${naming}/x`, '{"Addr":"10.0.0.1:1000"}');
      await keys.put(`${zero}.rpc/7587`, "10.0.0.1:1000");
      await keys.put(`/microservices/${kratos}/x`, '{"endpoints":["grpc://10.0.0.1:1000"]}');
      await keys.put(`kitex/registry-etcd/${kitex}/x`, '{"address":"10.0.0.1:1000"}');
      await keys.put("config/feature", '{"on":true}');
      await keys.put("config", "on");
      const services = await registry({ dialects: ["go-naming", "go-zero", "kratos", "kitex"] }).services();
      expect(services.filter((service) => !service.startsWith("contract.v1."))).toEqual([]);
      expect(services).toEqual(expect.arrayContaining([naming, zero, kratos, kitex]));
      await keys.delete("config", "config/feature");
    });

    test("a server with two hundred services, and much to say of each, registers all and keeps all", async () => {
      const services = Array.from({ length: 200 }, freshService);
      const last = services.at(-1) ?? "";
      const it = registry();
      const endpoint = { address: "10.0.0.1:1000", metadata: { methods: "m".repeat(20_000) } };
      await it.register({ services, endpoint }).registered;
      for (const service of [services[0], services[127], services[128], last]) {
        await watchService(it, service ?? "").untilCurrent("10.0.0.1:1000");
      }
      const [before] = await keys.list(last);
      await keys.delete(`${last}/10.0.0.1:1000`);
      await vi.waitUntil(async () => (await keys.list(last)).length === 1, { timeout: 10_000 });
      expect((await keys.list(last))[0]?.leaseId).toBe(before?.leaseId);
    });

    test("what no reader would take is refused where it is announced", () => {
      const it = registry();
      const register = (metadata: Record<string, string>) => () =>
        it.register({ services: [freshService()], endpoint: { address: "10.0.0.1:1000", metadata } });
      expect(register({ a: "x".repeat(300_000) })).toThrow(/metadata of 10.0.0.1:1000 has 300001 characters/);
      expect(register({ a: "\u0001".repeat(50_000) })).toThrow(/an entry of 300\d{3} bytes.*65536 are read/);
      expect(register(Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`k${i}`, ""])))).toThrow(
        /metadata of 10.0.0.1:1000 has 257 keys; 256 are read/,
      );
    });

    test("a server of five hundred methods, and one with as much metadata as may be, are read", async () => {
      const service = freshService();
      const it = registry();
      const methods = `${service}/${Array.from({ length: 500 }, (_, i) => `AMethodWithANameOfForty${i}`).join()}`;
      const much = Object.fromEntries(Array.from({ length: 256 }, (_, i) => [`k${i}`, "x".repeat(200)]));
      const watched = watchService(it, service);
      it.register({ services: [service], endpoint: { address: "10.0.0.1:1000", metadata: { methods } } });
      it.register({ services: [service], endpoint: { address: "10.0.0.2:1000", metadata: much } });
      await watched.untilCurrent("10.0.0.1:1000", "10.0.0.2:1000");
      const metadata = watched.last?.endpoints.map((endpoint) => endpoint.metadata);
      expect(metadata).toEqual(expect.arrayContaining([{ methods }, much]));
    });

    test("entries that are made to be slow to read are left out, whether listed or watched", async () => {
      const service = freshService();
      const fields = (count: number, nth: number) =>
        JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${nth}x${i}`, ""])));
      const value = (port: number, metadata: string) => `{"Addr":"10.0.0.1:${port}","Metadata":${metadata}}`;
      const fill = async (from: number) => {
        for (let i = from; i < from + 10; i++) await keys.put(`${service}/a${i}`, value(i, fields(4_000, i)));
        await keys.put(`${service}/a${from}few`, value(from, fields(257, from)));
      };
      await fill(100);
      await keys.put(`${service}/b`, value(1000, "{}"));
      const watched = watchService(registry(), service);
      await watched.untilCurrent("10.0.0.1:1000");
      expect(watched.last?.incomplete).toBe("11 entries cannot be read");
      await fill(200);
      await watched.until(({ incomplete }) => incomplete === "22 entries cannot be read");
      expect(watched.addresses).toEqual(["10.0.0.1:1000"]);
    });

    test("what comes by watch is bounded as what is listed is", { timeout: 120_000 }, async () => {
      const service = freshService();
      const watched = watchService(registry({ relistMs: 600_000 }), service);
      await watched.untilCurrent();
      const value = `{"Addr":"10.0.0.1:1000","Metadata":{"x":"${"y".repeat(60_000)}"}}`;
      const many = Array.from({ length: 1_150 }, (_, i) => `${service}/a${i}`);
      await keys.putAll(many, value);
      const more = "there are more than 100000 entries or 67108864 bytes";
      await watched.until(({ incomplete }) => incomplete === more, 60_000);
      const relisting = registry({ relistMs: 500 });
      const listed = watchService(relisting, service);
      await listed.until(({ incomplete }) => incomplete === more, 60_000);
      await keys.deletePrefix(service);
      await listed.until(({ incomplete, endpoints }) => incomplete === undefined && endpoints.length === 0, 60_000);
    });

    test("values that are too large to be any server's hide none", { timeout: 60_000 }, async () => {
      const service = freshService();
      const large = Array.from({ length: 100 }, (_, i) => `${service}/a${i}`);
      await keys.putAll(large, "x".repeat(1_000_000));
      await keys.put(`${service}/b`, '{"Addr":"10.0.0.1:1000"}');
      const watched = watchService(registry(), service);
      await watched.untilCurrent("10.0.0.1:1000");
      expect(watched.seen.at(-1)?.incomplete).toBe("100 entries cannot be read");
      await keys.deletePrefix(service);
      await watched.untilCurrent();
      expect(watched.seen.at(-1)?.incomplete).toBeUndefined();
    });

    test("entries that cannot be read hide none, however many sort before it", { timeout: 60_000 }, async () => {
      const service = freshService();
      await keys.putAll(
        Array.from({ length: 20_100 }, (_, i) => `${service}/a${i}`),
        "none",
      );
      await keys.put(`${service}/b`, '{"Addr":"10.0.0.1:1000"}');
      const watched = watchService(registry(), service);
      await watched.untilCurrent("10.0.0.1:1000");
      expect(watched.seen.at(-1)?.incomplete).toBe("20100 entries cannot be read");
      await keys.deletePrefix(service);
    });

    test("where the only entry cannot be read a call's error says so", async () => {
      const service = freshService();
      await keys.put(`${service}/a`, '{"Addr":"10.0.0.1:0"}');
      const channel = createChannel({ registry: registry() });
      toClose.push(() => channel.close());
      const method = { ...Greeter.methods.sayHello, service };
      await expect(channel.handle(new Call({ method, request: {} }))).rejects.toThrow(
        `no endpoint of ${service} can be read (1 entry cannot be read)`,
      );
    });

    test("a key that would move a terminal's cursor reaches no log as it is", async () => {
      const [service, log] = [freshService(), createLog()];
      await keys.put(`${service}/\u001b[2J\n${"k".repeat(5_000)}`, "\u001b]0;title\u0007");
      await watchService(registry({ logger: log }), service).until(({ incomplete }) => incomplete !== undefined);
      const [line] = log.of("warn");
      for (const text of Object.values(line?.fields ?? {})) expect(text).toMatch(/^[\x20-\x7e…]{1,400}$/);
    });

    test("a dialect of the user's own is written and read", async () => {
      const service = freshService();
      const own = { ...goNaming(), name: "own", root: "own/", prefix: (of: string) => `own/${of}/` };
      const it = registry({
        dialects: [{ ...own, write: (of, { address }) => ({ key: `own/${of}/1`, value: `{"Addr":"${address}"}` }) }],
      });
      await it.register({ services: [service], endpoint: { address: "10.0.0.1:1000" } }).registered;
      await watchService(it, service).untilCurrent("10.0.0.1:1000");
      expect((await keys.list(`own/${service}`)).map(({ key }) => key)).toEqual([`own/${service}/1`]);
    });
  });
}
