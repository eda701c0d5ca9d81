import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type WatchCreateRequest, WatchCreateRequest_FilterType } from "../../gen/etcd/api/etcdserverpb/rpc.ts";
import { type Event, Event_EventType } from "../../gen/etcd/api/mvccpb/kv.ts";
import type { MessageInit } from "../../src/core/message.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import { createDevEtcd, type DevEtcd } from "../../src/devetcd/index.ts";
import { hasEtcd, startEtcd, type TestEtcd } from "../support/etcd.ts";
import { type EtcdClient, etcdClient, openWatch } from "./etcd-client.ts";
import { type Operation, operations, randomFrom } from "./random-operations.ts";

describe.runIf(hasEtcd)("the embedded etcd and a real one", () => {
  let real: TestEtcd;
  let embedded: DevEtcd;
  let clients: readonly [EtcdClient, EtcdClient];

  beforeAll(async () => {
    real = await startEtcd();
    embedded = createDevEtcd();
    await embedded.listen();
    clients = [etcdClient(new URL(real.urls[0] ?? "").host), etcdClient(embedded.address ?? "")];
  });
  afterAll(async () => {
    await Promise.all(clients.map(({ channel }) => channel.close()));
    await Promise.all([embedded.close(), real.stop()]);
  });

  // Each seed goes on where the one before left the stores.
  test.for([1, 2, 3, 4, 5])("give the same answers to random operations (seed %i)", async (seed) => {
    const next = operations(randomFrom(seed));
    let revision = 1n;
    for (let count = 0; count < 300; count++) {
      const operation = next(revision);
      const [expected, given] = await Promise.all(clients.map((client) => outcome(client, operation)));
      expect(given, `operation ${count}: ${show(operation)}`).toEqual(expected);
      revision = expected?.revision ?? revision;
    }
  });

  test("report the same events of the same history", async () => {
    const [start] = await Promise.all(clients.map((client) => put(client, "watched/start")));
    const next = operations(randomFrom(77));
    for (let count = 0; count < 300; count++) {
      const operation = next(start ?? 1n);
      if (operation.name !== "compact") await Promise.all(clients.map((client) => outcome(client, operation)));
    }
    await Promise.all(clients.map((client) => put(client, "the end")));
    await Promise.all(clients.map(({ kv }) => kv.deleteRange({ key: end })));
    const wanted: MessageInit<WatchCreateRequest>[] = [
      { key: bytes("\0"), rangeEnd: bytes("\0"), prevKv: true },
      { key: bytes("a"), rangeEnd: bytes("\0") },
      { key: bytes(""), rangeEnd: bytes("\0"), filters: [noDelete] },
      { key: bytes("a"), rangeEnd: bytes("\0"), filters: [noPut], prevKv: true },
    ];
    for (const request of wanted) {
      const watched = { ...request, startRevision: start ?? 1n };
      const [expected, given] = await Promise.all(clients.map((client) => eventsUntilEnd(client, watched)));
      expect(given?.length).toBeGreaterThan(10);
      expect(given, show(request)).toEqual(expected);
    }
  });

  test("cancel a watch on what was compacted alike", async () => {
    const revisions = await Promise.all(clients.map((client) => put(client, "compacted")));
    await Promise.all(clients.map(({ kv }, i) => kv.compact({ revision: revisions[i] ?? 0n })));
    const [expected, given] = await Promise.all(
      clients.map(async (client) => {
        const conversation = openWatch(client);
        conversation.send({ $case: "createRequest", value: { key: bytes("a"), startRevision: 1n } });
        const replies = [await conversation.next(), await conversation.next()];
        await conversation.close();
        return replies.map(({ created, canceled, compactRevision, watchId, events }) => {
          return { created, canceled, compactRevision, watchId, events };
        });
      }),
    );
    expect(given).toEqual(expected);
  });
});

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));
const end = bytes("the end");
const { NOPUT: noPut, NODELETE: noDelete } = WatchCreateRequest_FilterType;

/** A transaction may have several of these at once, and which of them is named differs between etcd's releases. */
const foundByData = /^.*(key not found|requested lease not found|has been compacted|is a future revision)$/;

interface Outcome {
  readonly revision: bigint | undefined;
  readonly reply: unknown;
}

/** What an operation gives, without what is one etcd's own: its ids, and the time that leases have left. */
async function outcome(client: EtcdClient, operation: Operation): Promise<Outcome> {
  try {
    const reply = await perform(client, operation);
    const { header } = reply;
    const rest = { ...reply, header: { ...header, clusterId: 0n, memberId: 0n } };
    return { revision: header?.revision, reply: rest };
  } catch (error) {
    if (!RpcError.is(error)) throw error;
    const reply = `${error.codeName}: ${error.message}`;
    return {
      revision: undefined,
      reply: operation.name === "txn" ? reply.replace(foundByData, "(one of its faults)") : reply,
    };
  }
}

async function perform({ kv, lease }: EtcdClient, operation: Operation) {
  switch (operation.name) {
    case "range":
      return kv.range(operation.request);
    case "put":
      return kv.put(operation.request);
    case "deleteRange":
      return kv.deleteRange(operation.request);
    case "txn":
      return kv.txn(operation.request);
    case "compact":
      return kv.compact(operation.request);
    case "grant":
      return lease.leaseGrant({ ID: operation.id, TTL: operation.ttl });
    case "revoke":
      return lease.leaseRevoke({ ID: operation.id });
    case "timeToLive": {
      const reply = await lease.leaseTimeToLive({ ID: operation.id, keys: true });
      return { ...reply, TTL: reply.TTL > 0n, keys: reply.keys.sort(Buffer.compare) };
    }
    case "keepAlive": {
      for await (const reply of lease.leaseKeepAlive([{ ID: operation.id }])) return reply;
      throw new Error("a lease's renewal was not answered");
    }
    case "leases": {
      const reply = await lease.leaseLeases({});
      return { ...reply, leases: reply.leases.map(({ ID }) => ID).sort() };
    }
  }
}

async function put({ kv }: EtcdClient, key: string): Promise<bigint> {
  const { header } = await kv.put({ key: bytes(key) });
  return header?.revision ?? 0n;
}

/** The events of a watch up to what happened to the key `end`. */
async function eventsUntilEnd(client: EtcdClient, request: MessageInit<WatchCreateRequest>): Promise<Event[]> {
  const conversation = openWatch(client);
  conversation.send({ $case: "createRequest", value: request });
  const events: Event[] = [];
  const ends = ({ type, kv }: Event): boolean =>
    Buffer.from(kv?.key ?? []).equals(end) &&
    (type === Event_EventType.DELETE || request.filters?.includes(noDelete) === true);
  while (!events.some(ends)) events.push(...(await conversation.next()).events);
  await conversation.close();
  return events;
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (typeof each === "bigint") return `${each}n`;
    return each instanceof Uint8Array ? Buffer.from(each).toString("latin1") : each;
  });
}
