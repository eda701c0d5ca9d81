import { expect, test } from "vitest";
import { Payload } from "../../../gen/probe/v1/probe.ts";
import { Code } from "../../../src/core/code.ts";
import { now } from "../../../src/core/deadline.ts";
import { RpcError } from "../../../src/core/rpc-error.ts";
import { ErrorCode, Flag, FrameType } from "../../../src/transport/http2/frame.ts";
import { type Http2Limits, http2 } from "../../../src/transport/http2/index.ts";
import { collect, createWorld, echo, event, expand, failure, payload, reply } from "../../contract/transport/world.ts";
import { framed, literals, type RawPeer, rawClient, rawServer, requestBlock, uint32 } from "./raw-peer.ts";

// What is under way when a stream closes is no abuse: with limits this low, none of it may count.
const limits: Http2Limits = { controlFramesPerSecond: 1, resetsPerSecond: 1 };
const world = createWorld(() => ({ transport: http2(limits) }));

const ECHO = "/probe.v1.Probe/Echo";
const COLLECT = "/probe.v1.Probe/Collect";
const END = Flag.END_STREAM | Flag.END_HEADERS;
const hello = framed(Buffer.from(Payload.encode(payload("hello")).finish()));
const trailersOf = (id: number) => (frame: { type: number; flags: number; id: number }) =>
  frame.type === FrameType.HEADERS && frame.id === id && (frame.flags & Flag.END_STREAM) !== 0;

/** The next trailers name the call `id`: everything before it was taken without complaint. */
async function stillTalks(client: RawPeer, id: number): Promise<void> {
  client.send(FrameType.HEADERS, Flag.END_HEADERS, id, requestBlock(ECHO));
  client.send(FrameType.DATA, Flag.END_STREAM, id, hello);
  await client.frame(trailersOf(id));
  client.socket.destroy();
}

test("a server that answers early takes what its client was sending, and its reset, for each of many calls", async () => {
  const listener = await world().serve({
    collect() {
      throw new RpcError(Code.UNAUTHENTICATED, "who are you?");
    },
  });
  const client = await rawClient(listener.address);
  let id = 1;
  for (; id < 10_000; id += 2) {
    client.send(FrameType.HEADERS, Flag.END_HEADERS, id, requestBlock(COLLECT));
    client.send(FrameType.DATA, 0, id, hello);
    client.send(FrameType.DATA, Flag.END_STREAM, id);
    client.send(FrameType.RST_STREAM, 0, id, uint32(ErrorCode.NO_ERROR));
    if (id % 1000 === 1) await client.frame(trailersOf(id));
  }
  await stillTalks(client, id);
});

test("a client takes the reset of a server that has answered early, for each of many calls", async () => {
  const error = literals({ ":status": "200", "content-type": "application/grpc", "grpc-status": "16" });
  const server = await rawServer((raw) => {
    const answer = async (): Promise<void> => {
      for (;;) {
        const { id } = await raw.frame(({ type }) => type === FrameType.HEADERS);
        raw.send(FrameType.HEADERS, END, id, error);
        // By then the client has reset it.
        await raw.frame((frame) => frame.type === FrameType.RST_STREAM && frame.id === id);
        raw.send(FrameType.RST_STREAM, 0, id, uint32(ErrorCode.NO_ERROR));
      }
    };
    answer().catch(() => {});
  });
  const here = world();
  here.after(() => server.close());
  const peer = here.dial(server.address);
  for (let i = 0; i < 200; i++) {
    expect((await failure(collect(peer, endless()))).code).toBe(Code.UNAUTHENTICATED);
  }
});

test("900 calls that are cancelled at once, and all that was still coming for them", async () => {
  const opened = event();
  const cancelled = event();
  let heads = 0;
  const server = await rawServer((raw) => {
    const ids: number[] = [];
    const serve = async (): Promise<void> => {
      while (ids.length < 900) ids.push((await raw.frame(({ type }) => type === FrameType.HEADERS)).id);
      opened.happen();
      for (const id of ids) await raw.frame((frame) => frame.type === FrameType.RST_STREAM && frame.id === id);
      cancelled.happen();
      const header = literals({ ":status": "200", "content-type": "application/grpc" });
      for (const id of ids) {
        raw.send(FrameType.HEADERS, Flag.END_HEADERS, id, header);
        raw.send(FrameType.DATA, 0, id, hello);
        raw.send(FrameType.HEADERS, END, id, literals({ "grpc-status": "0" }));
        raw.send(FrameType.RST_STREAM, 0, id, uint32(ErrorCode.NO_ERROR));
        heads++;
      }
      const { id } = await raw.frame(({ type }) => type === FrameType.HEADERS);
      raw.send(FrameType.HEADERS, Flag.END_HEADERS, id, header);
      raw.send(FrameType.DATA, 0, id, hello);
      raw.send(FrameType.HEADERS, END, id, literals({ "grpc-status": "0" }));
    };
    serve().catch(() => {});
  });
  const here = world();
  here.after(() => server.close());
  const peer = here.dial(server.address);
  const controller = new AbortController();
  const calls = Array.from({ length: 900 }, () => failure(expand(peer, {}, { cancellation: controller.signal })));
  await opened.happened;
  controller.abort();
  for (const { code } of await Promise.all(calls)) expect(code).toBe(Code.CANCELLED);
  await cancelled.happened;
  expect((await echo(peer)).response).toEqual(payload("hello"));
  expect(heads).toBe(900);
});

test("a server takes trailers and resets that were under way when it answered 900 uploads at once", async () => {
  const go = event();
  const listener = await world().serve({
    async collect() {
      await go.happened;
      throw new RpcError(Code.UNAUTHENTICATED, "who are you?");
    },
  });
  const client = await rawClient(listener.address);
  let id = 1;
  for (; id < 1800; id += 2) client.send(FrameType.HEADERS, Flag.END_HEADERS, id, requestBlock(COLLECT));
  while (listener.inflight < 900) await new Promise(setImmediate);
  go.happen();
  await client.frame(trailersOf(id - 2));
  for (let each = 1; each < id; each += 2) {
    client.send(FrameType.DATA, 0, each, hello);
    client.send(FrameType.HEADERS, END, each, literals({ "x-sum": "1" }));
    client.send(FrameType.RST_STREAM, 0, each, uint32(ErrorCode.NO_ERROR));
  }
  await stillTalks(client, id);
});

test("a second reset of a stream, and data beyond its window, still count", async () => {
  const listener = await world().serve();
  const client = await rawClient(listener.address);
  client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, requestBlock(ECHO));
  client.send(FrameType.DATA, Flag.END_STREAM, 1, hello);
  await client.frame(trailersOf(1));
  for (let i = 0; i < 20; i++) client.send(FrameType.RST_STREAM, 0, 1, uint32(ErrorCode.CANCEL));
  expect(await client.goAway()).toBe(ErrorCode.ENHANCE_YOUR_CALM);
});

test("a client that gives up each call at its deadline is no flood", async () => {
  const forever = event();
  const here = world();
  const listener = await here.serve({
    async echo(call) {
      await forever.happened;
      return reply(call.request);
    },
  });
  here.after(() => forever.happen());
  const client = await rawClient(listener.address);
  const count = 50;
  for (let id = 1; id < 2 * count; id += 2) {
    client.send(FrameType.HEADERS, Flag.END_HEADERS, id, requestBlock(ECHO, { "grpc-timeout": "15m" }));
    client.send(FrameType.DATA, Flag.END_STREAM, id, hello);
    client.send(FrameType.RST_STREAM, 0, id, uint32(ErrorCode.CANCEL));
  }
  client.send(FrameType.PING, 0, 0, Buffer.alloc(8));
  await client.frame(({ type, flags }) => type === FrameType.PING && (flags & Flag.ACK) !== 0);
  client.socket.destroy();
});

test("a client that cancels as many calls as it lets come to their end is no flood", async () => {
  const listener = await world().serve({ collect: () => new Promise(() => {}) });
  const client = await rawClient(listener.address);
  let id = 1;
  for (; id < 200; id += 4) {
    client.send(FrameType.HEADERS, Flag.END_HEADERS, id, requestBlock(ECHO));
    client.send(FrameType.DATA, Flag.END_STREAM, id, hello);
    client.send(FrameType.HEADERS, Flag.END_HEADERS, id + 2, requestBlock(COLLECT));
    client.send(FrameType.RST_STREAM, 0, id + 2, uint32(ErrorCode.CANCEL));
    await client.frame(trailersOf(id));
  }
  await stillTalks(client, id);
});

test("a ping with each reply, as a client that measures its windows sends them, is no flood", async () => {
  const listener = await world().serve();
  const client = await rawClient(listener.address);
  for (let id = 1; id < 400; id += 2) {
    client.send(FrameType.HEADERS, Flag.END_HEADERS, id, requestBlock(ECHO));
    client.send(FrameType.DATA, Flag.END_STREAM, id, hello);
    await client.frame(trailersOf(id));
    client.send(FrameType.PING, 0, 0, Buffer.alloc(8));
    client.send(FrameType.WINDOW_UPDATE, 0, 0, uint32(hello.length));
  }
  await stillTalks(client, 401);
});

test("a drain takes no answer to another ping for its own", async () => {
  const listener = await world().serve({}, { keepaliveMs: 20, keepaliveTimeoutMs: 10_000 });
  const client = await rawClient(listener.address);
  const isPing = ({ type, flags }: { type: number; flags: number }) =>
    type === FrameType.PING && (flags & Flag.ACK) === 0;
  const keepalive = await client.frame(isPing);
  listener.drain();
  const drain = await client.frame(isPing);
  expect(drain.payload).not.toEqual(keepalive.payload);
  await client.frame(({ type }) => type === FrameType.GOAWAY);
  // It was sent before the drain was seen, and so may be a call behind it.
  client.send(FrameType.PING, Flag.ACK, 0, keepalive.payload);
  client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, requestBlock(ECHO));
  client.send(FrameType.DATA, Flag.END_STREAM, 1, hello);
  await client.frame(trailersOf(1));
  client.send(FrameType.PING, Flag.ACK, 0, drain.payload);
  const last = await client.frame(({ type }) => type === FrameType.GOAWAY);
  expect(last.payload.readUInt32BE(0)).toBe(1);
  await client.closed;
});

async function* endless() {
  const until = now() + 10_000;
  while (now() < until) {
    yield payload("", 100);
    await new Promise(setImmediate);
  }
}
