import { afterEach, expect, test } from "vitest";
import type { RequestOp } from "../../gen/etcd/api/etcdserverpb/rpc.ts";
import type { MessageInit } from "../../src/core/message.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import { createDevEtcd, type DevEtcdOptions } from "../../src/devetcd/index.ts";
import { type EtcdClient, etcdClient } from "./etcd-client.ts";

const toClose: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

async function start(options: DevEtcdOptions = {}): Promise<EtcdClient> {
  const server = createDevEtcd(options);
  const client = etcdClient(await server.listen());
  toClose.push(
    () => server.close(),
    () => client.channel.close(),
  );
  return client;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const failure = (call: Promise<unknown>) =>
  call.then(
    () => "no failure",
    (error) => (RpcError.is(error) ? `${error.codeName}: ${error.message}` : String(error)),
  );
const putOp = (key: string): MessageInit<RequestOp> => ({
  request: { $case: "requestPut", value: { key: bytes(key) } },
});

test("every reply tells the cluster, the member, the revision and the term", async () => {
  const { kv, lease, cluster, maintenance } = await start();
  const { header } = await kv.put({ key: bytes("a") });
  expect(header).toMatchObject({ revision: 2n, raftTerm: 2n });
  expect(header?.clusterId).not.toBe(0n);
  expect(header?.memberId).not.toBe(0n);
  const replies = [
    await kv.range({ key: bytes("a") }),
    await kv.deleteRange({ key: bytes("missing") }),
    await kv.txn({}),
    await lease.leaseLeases({}),
    await lease.leaseTimeToLive({ ID: 5n }),
    await cluster.memberList({}),
    await maintenance.status({}),
    await maintenance.alarm({}),
  ];
  for (const reply of replies) expect(reply.header).toEqual(header);
});

test("each one is a cluster of its own", async () => {
  const ids = await Promise.all(
    [await start(), await start()].map(async ({ kv }) => (await kv.range({ key: bytes("a") })).header?.clusterId),
  );
  expect(ids[0]).not.toBe(ids[1]);
});

test("it is a cluster of one member that is its own leader", async () => {
  const { cluster, maintenance } = await start();
  const { members } = await cluster.memberList({});
  const status = await maintenance.status({});
  expect(members).toHaveLength(1);
  expect(status.leader).toBe(members[0]?.ID);
  expect(members[0]?.clientURLs[0]).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
});

test("refuses what etcd refuses, in etcd's words", async () => {
  const { kv, lease } = await start();
  const key = bytes("a");
  const many = Array.from({ length: 129 }, (_, i) => putOp(`${i}`));
  const refusals: [Promise<unknown>, string][] = [
    [kv.range({}), "INVALID_ARGUMENT: etcdserver: key is not provided"],
    [kv.range({ key, sortOrder: 7 as 0 }), "INVALID_ARGUMENT: etcdserver: invalid sort option"],
    [kv.range({ key, sortTarget: 5 as 0 }), "INVALID_ARGUMENT: etcdserver: invalid sort option"],
    [kv.range({ key, revision: 9n }), "OUT_OF_RANGE: etcdserver: mvcc: required revision is a future revision"],
    [kv.put({ key, lease: 5n }), "NOT_FOUND: etcdserver: requested lease not found"],
    [kv.put({ key, ignoreValue: true }), "INVALID_ARGUMENT: etcdserver: key not found"],
    [kv.put({ key, ignoreValue: true, value: key }), "INVALID_ARGUMENT: etcdserver: value is provided"],
    [kv.put({ key, ignoreLease: true, lease: 1n }), "INVALID_ARGUMENT: etcdserver: lease is provided"],
    [kv.txn({ success: many }), "INVALID_ARGUMENT: etcdserver: too many operations in txn request"],
    [kv.txn({ success: [putOp("a"), putOp("a")] }), "INVALID_ARGUMENT: etcdserver: duplicate key given in txn request"],
    [kv.txn({ success: [{}] }), "INVALID_ARGUMENT: etcdserver: key not found"],
    [kv.compact({ revision: 9n }), "OUT_OF_RANGE: etcdserver: mvcc: required revision is a future revision"],
    [lease.leaseRevoke({ ID: 5n }), "NOT_FOUND: etcdserver: requested lease not found"],
    [lease.leaseGrant({ TTL: 9_000_000_001n }), "OUT_OF_RANGE: etcdserver: too large lease TTL"],
  ];
  for (const [call, message] of refusals) expect(await failure(call)).toBe(message);
  expect((await kv.range({ key: bytes("\0"), rangeEnd: bytes("\0") })).count).toBe(0n);
});

test("a transaction that fails a check has changed nothing", async () => {
  const { kv } = await start();
  const missing: MessageInit<RequestOp> = { request: { $case: "requestPut", value: { key: bytes("b"), lease: 5n } } };
  expect(await failure(kv.txn({ success: [putOp("a"), missing] }))).toMatch("requested lease not found");
  expect(await kv.range({ key: bytes("\0"), rangeEnd: bytes("\0") })).toMatchObject({
    count: 0n,
    header: { revision: 1n },
  });
});

test("the operations of nested transactions count along each path", async () => {
  const { kv } = await start();
  const level = (depth: number): MessageInit<RequestOp>[] => [
    ...Array.from({ length: 59 }, (_, i) => putOp(`${depth}/${i}`)),
    depth === 1 ? putOp("last") : ({ request: { $case: "requestTxn", value: { success: level(depth - 1) } } } as const),
  ];
  expect(await failure(kv.txn({ success: level(2) }))).toBe("no failure");
  expect(await failure(kv.txn({ success: level(3) }))).toMatch("too many operations in txn request");
});

test("a write over the limit is refused, and the largest below it is not", async () => {
  const { kv } = await start({ maxRequestBytes: 10_000 });
  expect(await failure(kv.put({ key: bytes("a"), value: new Uint8Array(9_990) }))).toBe("no failure");
  expect(await failure(kv.put({ key: bytes("a"), value: new Uint8Array(10_000) }))).toBe(
    "INVALID_ARGUMENT: etcdserver: request is too large",
  );
});

test("a full store refuses to be written, forgets its history first, and takes deletions", async () => {
  const { kv } = await start({ maxBytes: 10_000 });
  const value = new Uint8Array(3_000);
  for (let i = 0; i < 20; i++) await kv.put({ key: bytes("same"), value });
  await kv.put({ key: bytes("second"), value });
  await kv.put({ key: bytes("third"), value });
  expect(await failure(kv.put({ key: bytes("fourth"), value }))).toBe(
    "RESOURCE_EXHAUSTED: etcdserver: mvcc: database space exceeded",
  );
  await kv.deleteRange({ key: bytes("second") });
  expect(await failure(kv.put({ key: bytes("fourth"), value }))).toBe("no failure");
});

test("the history is bounded: its older half is compacted", async () => {
  const { kv } = await start({ maxChanges: 100 });
  for (let i = 0; i < 101; i++) await kv.put({ key: bytes("a"), value: bytes(`${i}`) });
  expect(await failure(kv.range({ key: bytes("a"), revision: 40n }))).toMatch("has been compacted");
  expect((await kv.range({ key: bytes("a"), revision: 60n })).kvs[0]?.version).toBe(59n);
});

test("a renewal answers each request in turn, 0 for a lease that is not there", async () => {
  const { lease } = await start();
  await lease.leaseGrant({ ID: 5n, TTL: 30n });
  const answers: (readonly [bigint, bigint])[] = [];
  for await (const { ID, TTL } of lease.leaseKeepAlive([{ ID: 5n }, { ID: 6n }, { ID: 5n }])) answers.push([ID, TTL]);
  expect(answers).toEqual([
    [5n, 30n],
    [6n, 0n],
    [5n, 30n],
  ]);
});

test("closing ends what is open with UNAVAILABLE, and frees the port", async () => {
  const server = createDevEtcd();
  const address = await server.listen();
  const client = etcdClient(address);
  const renewal = client.lease.leaseKeepAlive(
    (async function* () {
      yield { ID: 5n };
      await new Promise(() => {});
    })(),
  );
  await renewal.next();
  await server.close();
  expect(await failure(renewal.next())).toMatch("UNAVAILABLE");
  await client.channel.close();
  const again = createDevEtcd();
  expect(await again.listen(address)).toBe(address);
  await again.close();
});
