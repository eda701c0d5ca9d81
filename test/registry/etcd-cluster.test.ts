import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type EtcdOptions, etcd } from "../../src/registry/etcd/index.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { type EtcdNode, hasEtcd, startEtcd, type TestEtcd } from "../support/etcd.ts";
import { openEtcdKeys } from "../support/etcd-keys.ts";
import { createLog } from "../support/log.ts";
import { createProxy } from "../support/proxy.ts";
import { watchService } from "../support/snapshots.ts";

const endpoint = { address: "10.0.0.1:1000" };

describe.runIf(hasEtcd)("an etcd of three nodes", () => {
  let cluster: TestEtcd;
  beforeAll(async () => {
    cluster = await startEtcd({ nodes: 3 });
  });
  afterAll(() => cluster.stop());

  const open: Registry[] = [];
  const registry = (options: EtcdOptions = {}) => {
    const made = etcd(cluster.urls, { ttlSeconds: 6, ...options });
    open.push(made);
    return made;
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()));
  });

  /** Does something to each node in turn, while servers are registered and watched, and undoes it. */
  const throughEach = async (service: string, harm: (node: EtcdNode) => unknown, heal: (node: EtcdNode) => unknown) => {
    const log = createLog();
    const it = registry({ logger: log });
    await it.register({ services: [service], endpoint }).registered;
    const watched = watchService(it, service);
    await watched.untilCurrent(endpoint.address);
    const known = watched.seen.length;
    for (const [i, node] of cluster.nodes.entries()) {
      await harm(node);
      const during = { address: `10.0.1.${i}:1000` };
      const registration = it.register({ services: [service], endpoint: during });
      await registration.registered;
      await watched.until(({ endpoints }) => endpoints.some(({ address }) => address === during.address), 15_000);
      await registration.close();
      await watched.until(({ endpoints }) => endpoints.length === 1, 15_000);
      await heal(node);
    }
    for (const { endpoints } of watched.seen.slice(known)) {
      expect(endpoints.map(({ address }) => address)).toContain(endpoint.address);
    }
    // Whether it was renewed at once or after a while: the lease was never lost.
    expect(log.lines.map(({ message }) => message)).not.toContain("registered again");
  };

  test("loses nothing when one is killed", async () => {
    await throughEach(
      "cluster.v1.Killed",
      (node) => node.kill(),
      (node) => node.start(),
    );
  }, 60_000);

  test("loses nothing when one freezes", async () => {
    await throughEach(
      "cluster.v1.Frozen",
      (node) => node.freeze(),
      (node) => node.thaw(),
    );
  }, 90_000);

  /** Twelve servers with leases of 3 s; resolves to the addresses whose key was once not there in the next 9 s. */
  const missing = async (service: string, urls: readonly string[], healthy: EtcdNode, harm: () => void) => {
    const addresses = Array.from({ length: 12 }, (_, i) => `10.0.2.${i}:1000`);
    for (const address of addresses) {
      const it = etcd(urls, { ttlSeconds: 3 });
      open.push(it);
      await it.register({ services: [service], endpoint: { address } }).registered;
    }
    const keys = openEtcdKeys(healthy.url);
    const gone = new Set<string>();
    harm();
    for (let look = 0; look < 45; look++) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      // While a leader is elected nobody can look.
      const there = await keys.list(`${service}/`).catch(() => undefined);
      if (there === undefined) continue;
      const present = there.map(({ key }) => key.slice(service.length + 1));
      for (const address of addresses) if (!present.includes(address)) gone.add(address);
    }
    keys.close();
    return [...gone];
  };

  test.each([0, 1, 2])(
    "keeps every registration while node %i is frozen",
    async (victim) => {
      const node = cluster.nodes[victim] as EtcdNode;
      const healthy = cluster.nodes[(victim + 1) % 3] as EtcdNode;
      const gone = await missing(`cluster.v1.Kept${victim}`, cluster.urls, healthy, () => node.freeze());
      node.thaw();
      expect(gone).toEqual([]);
    },
    60_000,
  );

  test.each(["stall", "drop"] as const)(
    "keeps every registration while the way to one node %ss",
    async (fault) => {
      const [first, ...others] = cluster.nodes as [EtcdNode, ...EtcdNode[]];
      const way = await createProxy(new URL(first.url).host);
      const urls = [`http://${way.address}`, ...others.map(({ url }) => url)];
      const gone = await missing(`cluster.v1.Way${fault}`, urls, first, () => way[fault]());
      way.pass();
      await way.close();
      expect(gone).toEqual([]);
    },
    60_000,
  );

  test("a client keeps one connection to each host in use, and to one host while that answers", async () => {
    const ways = await Promise.all(cluster.nodes.map(({ url }) => createProxy(new URL(url).host)));
    const it = etcd(ways.map(({ address }) => `http://${address}`));
    for (let i = 0; i < 3; i++) {
      await it.register({ services: ["cluster.v1.Few"], endpoint: { address: `10.0.3.${i}:1000` } }).registered;
      await watchService(it, `cluster.v1.Few${i}`).untilCurrent();
    }
    expect(ways.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(1);
    const [used] = ways.filter(({ accepted }) => accepted > 0);
    used?.stall();
    await it.register({ services: ["cluster.v1.Few"], endpoint }).registered;
    expect(ways.every(({ accepted }) => accepted <= 1)).toBe(true);
    await it.close();
    await Promise.all(ways.map((way) => way.close()));
  }, 30_000);

  test("without a majority is stale, and current again when it has one", async () => {
    const service = "cluster.v1.Minority";
    const [, second, third] = cluster.nodes;
    const it = registry({ relistMs: 1_000, ttlSeconds: 30 });
    await it.register({ services: [service], endpoint }).registered;
    const watched = watchService(it, service);
    await watched.untilCurrent(endpoint.address);
    await Promise.all([second?.kill(), third?.kill()]);
    expect((await watched.until(({ state }) => state === "stale", 15_000)).endpoints).toEqual([endpoint]);
    await Promise.all([second?.start(), third?.start()]);
    await watched.untilCurrent(endpoint.address);
  }, 60_000);
});
