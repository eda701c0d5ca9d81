import { afterEach, expect, test } from "vitest";
import { createDevEtcd, type DevEtcdOptions } from "../../src/devetcd/index.ts";
import { type EtcdClient, etcdClient, openWatch, type WatchConversation } from "./etcd-client.ts";

const toClose: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

async function start(options: DevEtcdOptions = {}): Promise<EtcdClient & { readonly watching: WatchConversation }> {
  const server = createDevEtcd(options);
  const client = etcdClient(await server.listen());
  const watching = openWatch(client);
  toClose.push(
    () => server.close(),
    () => client.channel.close(),
    () => watching.close(),
  );
  return { ...client, watching };
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const prefix = { key: bytes("a"), rangeEnd: bytes("b") };

test("a watch is confirmed before its first event, and reports its own range only", async () => {
  const { kv, watching } = await start();
  watching.send({ $case: "createRequest", value: prefix });
  expect(await watching.next()).toMatchObject({ watchId: 0n, created: true, canceled: false, events: [] });
  await kv.put({ key: bytes("b") });
  await kv.put({ key: bytes("a1"), value: bytes("x") });
  const { events, header } = await watching.next();
  expect(events).toMatchObject([{ type: 0, kv: { modRevision: 3n, version: 1n } }]);
  expect(header?.revision).toBe(3n);
});

test("several watches on one stream have ids of their own", async () => {
  const { kv, watching } = await start();
  for (const watchId of [0n, 7n, 0n, 1n]) {
    watching.send({ $case: "createRequest", value: { ...prefix, watchId } });
  }
  const created = [await watching.next(), await watching.next(), await watching.next(), await watching.next()];
  expect(created.map(({ watchId }) => watchId)).toEqual([0n, 7n, 1n, -1n]);
  expect(created[3]).toMatchObject({
    created: true,
    canceled: true,
    cancelReason: "mvcc: duplicate watch ID provided on the WatchStream",
  });
  await kv.put({ key: bytes("a") });
  const reports = [await watching.next(), await watching.next(), await watching.next()];
  expect(new Set(reports.map(({ watchId }) => watchId))).toEqual(new Set([0n, 1n, 7n]));
});

test("a watch that is cancelled reports no more", async () => {
  const { kv, watching } = await start();
  watching.send({ $case: "createRequest", value: prefix });
  watching.send({ $case: "createRequest", value: prefix });
  await watching.next();
  await watching.next();
  watching.send({ $case: "cancelRequest", value: { watchId: 0n } });
  expect(await watching.next()).toMatchObject({ watchId: 0n, canceled: true, created: false });
  await kv.put({ key: bytes("a") });
  expect((await watching.next()).watchId).toBe(1n);
  watching.send({ $case: "cancelRequest", value: { watchId: 9n } });
  watching.send({ $case: "progressRequest", value: {} });
  expect((await watching.next()).watchId).toBe(-1n);
});

test("a watch from the past reports the whole history, with what stood before where it is asked for", async () => {
  const { kv, watching } = await start();
  await kv.put({ key: bytes("a"), value: bytes("1") });
  await kv.put({ key: bytes("a"), value: bytes("2") });
  await kv.deleteRange({ key: bytes("a") });
  watching.send({ $case: "createRequest", value: { ...prefix, startRevision: 1n, prevKv: true } });
  await watching.next();
  const { events } = await watching.next();
  expect(events.map(({ type }) => type)).toEqual([0, 0, 1]);
  expect(events.map(({ prevKv }) => prevKv && Buffer.from(prevKv.value).toString())).toEqual([undefined, "1", "2"]);
});

test("a watch from the future begins there", async () => {
  const { kv, watching } = await start();
  watching.send({ $case: "createRequest", value: { ...prefix, startRevision: 4n } });
  await watching.next();
  for (const value of ["2", "3", "4"]) await kv.put({ key: bytes("a"), value: bytes(value) });
  const { events } = await watching.next();
  expect(events.map(({ kv: now }) => now?.modRevision)).toEqual([4n]);
});

test("a watch on what was compacted is cancelled with the revision that is left", async () => {
  const { kv, watching } = await start();
  for (let i = 0; i < 5; i++) await kv.put({ key: bytes("a") });
  await kv.compact({ revision: 4n });
  watching.send({ $case: "createRequest", value: { ...prefix, startRevision: 2n } });
  expect(await watching.next()).toMatchObject({ created: true, canceled: false });
  expect(await watching.next()).toMatchObject({ canceled: true, compactRevision: 4n, events: [] });
  watching.send({ $case: "createRequest", value: { ...prefix, startRevision: 4n, prevKv: true } });
  await watching.next();
  const { events } = await watching.next();
  expect(events.map(({ kv: now, prevKv }) => [now?.modRevision, prevKv?.modRevision])).toEqual([
    [4n, undefined],
    [5n, 4n],
    [6n, 5n],
  ]);
});

test("a client from before a restart learns that its history is gone", async () => {
  const { watching } = await start({ firstRevision: 1_000n });
  watching.send({ $case: "createRequest", value: { ...prefix, startRevision: 17n } });
  await watching.next();
  expect(await watching.next()).toMatchObject({ canceled: true, compactRevision: 1_000n });
});

test("wrong ranges and revisions are refused without ending the stream", async () => {
  const { watching } = await start({ maxWatches: 1 });
  const refused = { watchId: -1n, created: true, canceled: true };
  watching.send({ $case: "createRequest", value: { key: bytes("b"), rangeEnd: bytes("a") } });
  expect(await watching.next()).toMatchObject({ ...refused, cancelReason: "mvcc: watcher range is empty" });
  watching.send({ $case: "createRequest", value: { ...prefix, startRevision: -1n } });
  expect(await watching.next()).toMatchObject({
    ...refused,
    cancelReason: "etcdserver: mvcc: required revision has been compacted",
  });
  watching.send({ $case: "createRequest", value: {} });
  expect(await watching.next()).toMatchObject({ created: true, canceled: false });
  watching.send({ $case: "createRequest", value: prefix });
  expect(await watching.next()).toMatchObject({ ...refused, cancelReason: "etcdserver: a stream may have 1 watches" });
});

test("progress is told when it is asked for, and only once everything has been reported", async () => {
  const { kv, watching } = await start();
  for (let i = 0; i < 10; i++) await kv.put({ key: bytes("a") });
  watching.send({ $case: "createRequest", value: { ...prefix, startRevision: 1n } });
  watching.send({ $case: "progressRequest", value: {} });
  await watching.next();
  expect((await watching.next()).events).toHaveLength(10);
  expect(await watching.next()).toMatchObject({ watchId: -1n, events: [], header: { revision: 11n } });
});

test("a silent watch tells its progress by itself where it was asked to", async () => {
  const { kv, watching } = await start({ progressNotifyMs: 10 });
  watching.send({ $case: "createRequest", value: prefix });
  watching.send({ $case: "createRequest", value: { ...prefix, progressNotify: true } });
  await watching.next();
  await watching.next();
  await kv.put({ key: bytes("elsewhere") });
  let told = await watching.next();
  while (told.header?.revision === 1n) told = await watching.next();
  expect(told).toMatchObject({ watchId: 1n, events: [], canceled: false, header: { revision: 2n } });
});

test("filters leave out puts or deletions", async () => {
  const { kv, watching } = await start();
  watching.send({ $case: "createRequest", value: { ...prefix, filters: [0] } });
  watching.send({ $case: "createRequest", value: { ...prefix, filters: [1] } });
  await watching.next();
  await watching.next();
  await kv.put({ key: bytes("a") });
  expect(await watching.next()).toMatchObject({ watchId: 1n, events: [{ type: 0 }] });
  await kv.deleteRange({ key: bytes("a") });
  expect(await watching.next()).toMatchObject({ watchId: 0n, events: [{ type: 1 }] });
});

test("a long history comes in several reports that leave nothing out", async () => {
  const { kv, watching } = await start();
  const value = new Uint8Array(300_000);
  for (let i = 0; i < 20; i++) await kv.put({ key: bytes("a"), value });
  watching.send({ $case: "createRequest", value: { ...prefix, startRevision: 1n } });
  await watching.next();
  const seen: bigint[] = [];
  let reports = 0;
  while (seen.length < 20) {
    const { events, header } = await watching.next();
    reports++;
    seen.push(...events.map(({ kv: now }) => now?.modRevision ?? 0n));
    // A client that goes on from here misses nothing.
    expect(header?.revision).toBe(seen.at(-1));
  }
  expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => BigInt(i + 2)));
  expect(reports).toBeGreaterThan(3);
});

test("the changes of one transaction come in one report", async () => {
  const { kv, watching } = await start();
  watching.send({ $case: "createRequest", value: prefix });
  await watching.next();
  const put = (key: string) => ({ request: { $case: "requestPut", value: { key: bytes(key) } } }) as const;
  await kv.txn({ success: [put("a1"), put("a2"), put("c"), put("a3")] });
  expect((await watching.next()).events.map(({ kv: now }) => Buffer.from(now?.key ?? []).toString())).toEqual([
    "a1",
    "a2",
    "a3",
  ]);
});

test("watches go on when the client has said all it wants to say", async () => {
  const { kv, watch } = await start();
  const replies = watch.watch([{ requestUnion: { $case: "createRequest", value: prefix } }]);
  await replies.next();
  await kv.put({ key: bytes("a") });
  expect((await replies.next()).value).toMatchObject({ events: [{ type: 0 }] });
  await replies.return?.();
});

test("closing ends a watch with UNAVAILABLE", async () => {
  const server = createDevEtcd();
  const client = etcdClient(await server.listen());
  const watching = openWatch(client);
  watching.send({ $case: "createRequest", value: prefix });
  await watching.next();
  const ended = expect(watching.next()).rejects.toMatchObject({ codeName: "UNAVAILABLE" });
  await server.close();
  await ended;
  await client.channel.close();
});
