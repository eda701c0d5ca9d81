import { expect, test } from "vitest";
import { WatchRequest } from "../../gen/etcd/api/etcdserverpb/rpc.ts";
import { createStore } from "../../src/devetcd/store.ts";
import { watchStream } from "../../src/devetcd/watch-stream.ts";
import { createWatches } from "../../src/devetcd/watches.ts";

const member = { clusterId: 1n, memberId: 2n };
const everything = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) };
const create = () => WatchRequest.fromPartial({ requestUnion: { $case: "createRequest", value: everything } });

function open(requests: AsyncIterable<WatchRequest>) {
  const store = createStore();
  const controller = new AbortController();
  const options = { signal: controller.signal, progressNotifyMs: 600_000 };
  return { store, controller, replies: watchStream(store, createWatches(store, member), requests, options) };
}

test("a client that asks without end and reads little is read no faster than it reads", async () => {
  let asked = 0;
  async function* flood(): AsyncGenerator<WatchRequest> {
    for (;;) {
      asked++;
      yield create();
    }
  }
  const { controller, replies } = open(flood());
  for (let i = 0; i < 5; i++) expect((await replies.next()).value).toMatchObject({ created: true });
  await new Promise((resolve) => setImmediate(resolve));
  expect(asked).toBeLessThanOrEqual(7);
  controller.abort();
  await replies.return(undefined);
});

test("what a client has not read stays in the history only: it is told when that is compacted", async () => {
  async function* one(): AsyncGenerator<WatchRequest> {
    yield create();
  }
  const { store, controller, replies } = open(one());
  await replies.next();
  for (let i = 0; i < 1_000; i++) store.write((write) => write.put(`key ${i}`, new Uint8Array(), 0n));
  store.compact(store.revision);
  const { value } = await replies.next();
  expect(value).toMatchObject({ canceled: true, events: [], compactRevision: store.compactRevision });
  controller.abort();
  await replies.return(undefined);
});

test("a stream whose requests break off ends with what broke it", async () => {
  async function* broken(): AsyncGenerator<WatchRequest> {
    yield create();
    throw new Error("the connection was lost");
  }
  const { replies } = open(broken());
  await replies.next();
  await expect(replies.next()).rejects.toThrow("the connection was lost");
});

test("the end of a call ends its stream, and the store forgets it", async () => {
  async function* silence(): AsyncGenerator<WatchRequest> {
    yield create();
    await new Promise(() => {});
  }
  const { store, controller, replies } = open(silence());
  await replies.next();
  const last = replies.next();
  controller.abort();
  expect(await last).toEqual({ done: true, value: undefined });
  store.write((write) => write.put("after", new Uint8Array(), 0n));
});
