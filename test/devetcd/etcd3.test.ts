import { once } from "node:events";
import { Etcd3 } from "etcd3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDevEtcd, type DevEtcd } from "../../src/devetcd/index.ts";

// The npm package etcd3 as its own documentation uses it.

let server: DevEtcd;
let etcd: Etcd3;
beforeEach(async () => {
  server = createDevEtcd({ minLeaseTtlSeconds: 1 });
  etcd = new Etcd3({ hosts: `http://${await server.listen()}` });
});
afterEach(async () => {
  etcd.close();
  await server.close();
});

test("puts, gets, lists and deletes", async () => {
  await etcd.put("a/1").value("one");
  await etcd.put("a/2").value(2);
  await etcd.put("b").value("other");
  expect(await etcd.get("a/1").string()).toBe("one");
  expect(await etcd.get("missing")).toBeNull();
  expect(await etcd.getAll().prefix("a/").strings()).toEqual({ "a/1": "one", "a/2": "2" });
  expect(await etcd.getAll().prefix("a/").count()).toBe(2);
  expect(await etcd.getAll().prefix("a/").sort("Key", "Descend").limit(1).keys()).toEqual(["a/2"]);
  await etcd.delete().prefix("a/");
  expect(await etcd.getAll().keys()).toEqual(["b"]);
  await etcd.delete().all();
  expect(await etcd.getAll().keys()).toEqual([]);
});

test("works in a namespace", async () => {
  const tenant = etcd.namespace("tenant/");
  await tenant.put("key").value("value");
  expect(await tenant.getAll().strings()).toEqual({ key: "value" });
  expect(await etcd.getAll().keys()).toEqual(["tenant/key"]);
});

test("runs transactions and software transactional memory", async () => {
  const attempt = () =>
    etcd.if("key", "Create", "==", 0).then(etcd.put("key").value("first")).else(etcd.get("key")).commit();
  expect((await attempt()).succeeded).toBe(true);
  expect((await attempt()).succeeded).toBe(false);
  await etcd.put("count").value(0);
  const increment = () => etcd.stm().transact(async (tx) => tx.put("count").value(Number(await tx.get("count")) + 1));
  await Promise.all([increment(), increment(), increment(), increment()]);
  expect(await etcd.get("count").number()).toBe(4);
});

test("keeps a lease alive, and loses its keys when it is revoked", async () => {
  const lease = etcd.lease(1, { autoKeepAlive: true });
  await lease.put("leased").value("here");
  await once(lease, "keepaliveSucceeded");
  expect(await etcd.get("leased").string()).toBe("here");
  await lease.revoke();
  expect(await etcd.get("leased")).toBeNull();
});

test("hears of a lease that is lost", async () => {
  const lease = etcd.lease(1);
  const id = await lease.grant();
  const lost = once(lease, "lost");
  await etcd.leaseClient.leaseRevoke({ ID: id });
  await lost;
});

test("watches a key and a prefix", async () => {
  const watcher = await etcd.watch().prefix("a/").create();
  const put = once(watcher, "put");
  await etcd.put("b").value("elsewhere");
  await etcd.put("a/1").value("seen");
  const [stored] = await put;
  expect(stored.value.toString()).toBe("seen");
  const deleted = once(watcher, "delete");
  await etcd.delete().key("a/1");
  expect((await deleted)[0].key.toString()).toBe("a/1");
  await watcher.cancel();
});

test("locks and elects", async () => {
  const lock = await etcd.lock("resource").acquire();
  await expect(etcd.lock("resource").acquire()).rejects.toThrow();
  await lock.release();
  const again = await etcd.lock("resource").acquire();
  await again.release();

  const election = etcd.election("leader", 5);
  const campaign = election.campaign("me");
  await once(campaign, "elected");
  expect(await election.leader()).toBe("me");
  await campaign.resign();
});

test("asks for the members and the status", async () => {
  expect((await etcd.cluster.memberList({})).members).toHaveLength(1);
  expect((await etcd.maintenance.status()).version).toMatch(/^3\.\d+\.\d+$/);
});
