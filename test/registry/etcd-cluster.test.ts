import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type EtcdOptions, etcd } from "../../src/registry/etcd/index.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { type EtcdNode, hasEtcd, startEtcd, type TestEtcd } from "../support/etcd.ts";
import { createLog } from "../support/log.ts";
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
