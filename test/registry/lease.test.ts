import { expect, test } from "vitest";
import type { EtcdClient } from "../../src/registry/etcd/client.ts";
import { keepLease } from "../../src/registry/etcd/lease.ts";

test("a renewal that fails is tried again within the time that the lease has left, however often it fails", async () => {
  const stop = new AbortController();
  const triedAt: number[] = [];
  const client = {
    async renew() {
      triedAt.push(performance.now());
      if (triedAt.length === 8) stop.abort();
      throw new Error("etcdserver: no leader");
    },
  } as unknown as EtcdClient;
  const nothing = () => {};
  await keepLease({ client, leaseId: "1", ttlSeconds: 1, signal: stop.signal, renewed: nothing, failed: nothing });
  const pauses = triedAt.slice(1).map((at, i) => at - (triedAt[i] ?? 0));
  expect(Math.max(...pauses)).toBeLessThan(500);
});
