import { fork } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { type EtcdOptions, etcd } from "../../src/registry/etcd/index.ts";
import type { Registry, Snapshot } from "../../src/registry/registry.ts";
import { hasEtcd, startEtcd, type TestEtcd } from "../support/etcd.ts";
import { openEtcdKeys } from "../support/etcd-keys.ts";
import { createLog } from "../support/log.ts";
import { createProxy, type TcpProxy } from "../support/proxy.ts";
import { watchService } from "../support/snapshots.ts";

const service = "faults.v1.Service";
const endpoint = { address: "10.0.0.1:1000" };

const toClose: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});
async function started(args: readonly string[] = []): Promise<TestEtcd> {
  const server = await startEtcd({ args });
  toClose.push(() => server.stop());
  return server;
}
function registry(at: string | readonly string[], options: EtcdOptions = {}): Registry {
  const made = etcd(at, { ttlSeconds: 2, ...options });
  toClose.push(() => made.close());
  return made;
}
async function proxyTo(url: string): Promise<TcpProxy> {
  const made = await createProxy(new URL(url).host);
  toClose.push(() => made.close());
  return made;
}

/** What a client must never be told: that a server is gone which is not. */
function isEmptyAndCurrent({ state, endpoints }: Snapshot): boolean {
  return state === "current" && endpoints.length === 0;
}

describe.runIf(hasEtcd)("an etcd that fails", () => {
  test("is waited for: a server that starts before it registers when it is there", async () => {
    const server = await started();
    const [node] = server.nodes;
    await node?.kill();
    const log = createLog();
    const it = registry(server.urls, { logger: log });
    const registration = it.register({ services: [service], endpoint });
    const watched = watchService(it, service);
    expect(await watched.until(() => true)).toMatchObject({ state: "unknown", endpoints: [] });
    await expect(it.services()).rejects.toThrow(/^the registry cannot be asked for its services: .*ECONNREFUSED/);
    await node?.start();
    await registration.registered;
    await watched.untilCurrent(endpoint.address);
    expect(log.of("warn").map(({ message }) => message)).toEqual(
      expect.arrayContaining([expect.stringContaining("cannot register"), expect.stringContaining("away")]),
    );
  });

  test("is not said to be back when it is only that nobody asks any more", async () => {
    const log = createLog();
    const it = registry("http://127.0.0.1:1", { logger: log });
    const watched = watchService(it, service);
    await watched.until(({ reason }) => reason !== undefined);
    watched.stop();
    await it.close();
    await new Promise(setImmediate);
    expect(log.lines.map(({ message }) => message)).toContain("the registry is away; what it said last stands");
    expect(log.of("info")).toEqual([]);
  });

  test("is killed and comes back with its data: nobody loses a server", async () => {
    const server = await started();
    const [node] = server.nodes;
    const it = registry(server.urls);
    await it.register({ services: [service], endpoint }).registered;
    const watched = watchService(it, service);
    await watched.untilCurrent(endpoint.address);
    const known = watched.seen.length;
    await node?.kill();
    await watched.until(({ state }) => state === "stale");
    await node?.start();
    await watched.untilCurrent(endpoint.address);
    expect(watched.seen.slice(known).every(({ endpoints }) => endpoints.length === 1)).toBe(true);
  });

  test("comes back without its data: servers register again, and meanwhile nobody is told that they are gone", async () => {
    const server = await started();
    const [node] = server.nodes;
    const log = createLog();
    const it = registry(server.urls, { logger: log });
    await it.register({ services: [service], endpoint }).registered;
    // Its server is gone for good: it must go too, once the doubt is over.
    const dead = etcd(server.urls);
    await dead.register({ services: [service], endpoint: { address: "10.0.0.9:1000" } }).registered;
    const patient = watchService(it, service);
    const hasty = watchService(registry(server.urls, { doubtMs: 3_000 }), service);
    await Promise.all([patient, hasty].map((each) => each.untilCurrent(endpoint.address, "10.0.0.9:1000")));
    const known = patient.seen.length;
    await node?.kill();
    await dead.close();
    await node?.start({ wipe: true });
    const doubted = await patient.until(({ state, reason }) => state === "stale" && /lost data/.test(reason ?? ""));
    expect(doubted.endpoints.length).toBe(2);
    await hasty.untilCurrent(endpoint.address);
    expect(patient.seen.slice(known).every(({ endpoints }) => endpoints.length === 2)).toBe(true);
    expect(log.lines.map(({ message }) => message)).toContain("registered again");
  });

  test("is frozen: what is known stays known, and the registration is as it was when it thaws", async () => {
    const server = await started();
    const [node] = server.nodes;
    const log = createLog();
    const it = registry(server.urls, { relistMs: 500, ttlSeconds: 30, logger: log });
    await it.register({ services: [service], endpoint }).registered;
    const watched = watchService(it, service);
    await watched.untilCurrent(endpoint.address);
    const known = watched.seen.length;
    node?.freeze();
    await watched.until(({ state }) => state === "stale");
    node?.thaw();
    await watched.untilCurrent(endpoint.address);
    expect(watched.seen.slice(known).some(isEmptyAndCurrent)).toBe(false);
    expect(log.lines.map(({ message }) => message)).not.toContain("registered again");
  });

  test("is frozen for longer than the lease: servers register again when it thaws", async () => {
    const server = await started();
    const [node] = server.nodes;
    const log = createLog();
    const it = registry(server.urls, { logger: log });
    await it.register({ services: [service], endpoint }).registered;
    node?.freeze();
    await log.until("cannot keep the registration; trying on");
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    node?.thaw();
    await log.until("registered again");
    await watchService(it, service).untilCurrent(endpoint.address);
  });

  test("is compacted under a frozen client's watch: the client lists again", async () => {
    const server = await started();
    const [url = ""] = server.urls;
    const keys = openEtcdKeys(url);
    toClose.push(() => keys.close());
    const it = registry(url, { relistMs: 60_000 });
    const watched = watchService(it, service);
    await watched.untilCurrent();
    await server.nodes[0]?.kill();
    await watched.until(({ state }) => state === "stale");
    await server.nodes[0]?.start();
    await it.register({ services: [service], endpoint }).registered;
    await keys.compact();
    await watched.untilCurrent(endpoint.address);
  });

  test("is dead and a server closes before it was registered: nobody waits for ever", async () => {
    const server = await started();
    await server.nodes[0]?.kill();
    const it = registry(server.urls);
    const registration = it.register({ services: [service], endpoint });
    await registration.close();
    await registration.registered;
  });

  test("is dead when a server closes: closing takes no longer than it may", async () => {
    const server = await started();
    const it = registry(server.urls);
    const registration = it.register({ services: [service], endpoint });
    await registration.registered;
    server.nodes[0]?.freeze();
    const startedAt = performance.now();
    await registration.close(300);
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    await it.close();
    expect(performance.now() - startedAt).toBeLessThan(4_500);
    server.nodes[0]?.thaw();
  });
});

describe.runIf(hasEtcd)("a way to etcd that fails", () => {
  test("for longer than the lease: the server is back when the way is, with two lines in its log", async () => {
    const server = await started();
    const [url = ""] = server.urls;
    const way = await proxyTo(url);
    const log = createLog();
    const cutOff = registry(`http://${way.address}`, { logger: log });
    await cutOff.register({ services: [service], endpoint }).registered;
    const watched = watchService(registry(url), service);
    await watched.untilCurrent(endpoint.address);
    way.drop();
    await watched.until(isEmptyAndCurrent, 15_000);
    // Half-open connections: nothing tells the other side that they are dead.
    way.pass();
    await watched.untilCurrent(endpoint.address);
    await log.until("registered again");
    expect(log.of("info", "warn").map(({ message }) => message)).toEqual([
      "registered",
      "cannot keep the registration; trying on",
      "registered again",
    ]);
  });

  test("is tried a few times a second at most, and logged once", async () => {
    const server = await started();
    const way = await proxyTo(server.urls[0] ?? "");
    const log = createLog();
    const it = registry(`http://${way.address}`, { logger: log });
    const registration = it.register({ services: [service], endpoint });
    await registration.registered;
    const watched = watchService(it, service);
    await watched.untilCurrent(endpoint.address);
    way.refuse();
    await watched.until(({ state }) => state === "stale");
    const before = way.accepted;
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    expect(way.accepted - before).toBeLessThan(40);
    way.pass();
    await watched.untilCurrent(endpoint.address);
    expect(log.of().length).toBe(2);
  });
});

describe.runIf(hasEtcd)("a server whose event loop stands still", () => {
  test("for longer than its lease is gone, and back when it wakes", async () => {
    const server = await started();
    const [url = ""] = server.urls;
    const script = new URL("stalling-server.ts", import.meta.url);
    const child = fork(script, [url, service, endpoint.address], { execArgv: ["--conditions=@trunkline/source"] });
    toClose.push(async () => {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    });
    await once(child, "message");
    const watched = watchService(registry(url), service);
    await watched.untilCurrent(endpoint.address);
    child.send(6_000);
    await watched.until(isEmptyAndCurrent);
    await watched.untilCurrent(endpoint.address);
  });
});
