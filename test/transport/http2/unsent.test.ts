import { expect, test } from "vitest";
import { Payload } from "../../../gen/probe/v1/probe.ts";
import { Code } from "../../../src/core/code.ts";
import { now } from "../../../src/core/deadline.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import { ErrorCode, Flag, FrameType, PREFACE, Setting } from "../../../src/transport/http2/frame.ts";
import { HpackDecoder } from "../../../src/transport/http2/hpack/decoder.ts";
import { type Http2Limits, http2 } from "../../../src/transport/http2/index.ts";
import { MemoryBudget } from "../../../src/transport/memory-budget.ts";
import { createWorld, echo, failure, payload, reply } from "../../contract/transport/world.ts";
import { framed, type RawPeer, rawServer, rawSocket, requestBlock, uint32 } from "./raw-peer.ts";

const MIB = 1024 * 1024;
const LARGE_BYTES = 256 * 1024;
const ECHO = "/probe.v1.Probe/Echo";
/** For a budget that ends nobody while the test looks, however slow the machine is. */
const PATIENT_MS = 600_000;
const hello = framed(Buffer.from(Payload.encode(payload("hello")).finish()));
const small = framed(Buffer.from(Payload.encode(payload("small")).finish()));

let memory = new MemoryBudget({ bytes: MIB });
let limits: Http2Limits = {};
const world = createWorld(() => ({ transport: http2({ memory, ...limits }) }));

/** A server whose replies are large, unless a call asks for a small one. */
function serving(bytes: number, patienceMs: number, more: Http2Limits = {}) {
  memory = new MemoryBudget({ bytes, patienceMs });
  limits = more;
  const large = payload("large", LARGE_BYTES);
  return world().serve({
    echo: (call) => reply((call.request as Payload).text === "small" ? payload("small") : large),
  });
}

/** A server whose answers have much to say in their heads, and how many calls it has answered. */
async function talking(more: Http2Limits) {
  memory = new MemoryBudget({ bytes: 64 * MIB });
  limits = more;
  const header = Metadata.from({ long: "x".repeat(8000) });
  const served = { calls: 0 };
  const answers = {
    echo() {
      served.calls++;
      return reply(payload("small"), header);
    },
  };
  const { address } = await world().serve(answers, { maxConcurrentStreams: 10_000 });
  return { address, served };
}

/** A client that reads nothing, and has sent so many calls all the same. */
async function notReading(address: string, calls: number): Promise<RawPeer> {
  const client = await rawSocket(address);
  client.socket.write(PREFACE);
  client.send(FrameType.SETTINGS, 0, 0);
  client.socket.pause();
  call(client, calls, 1, small);
  return client;
}

/** A client that lets nothing come on its streams. */
async function withoutWindow(address: string): Promise<RawPeer> {
  const client = await rawSocket(address);
  const none = Buffer.alloc(6);
  none.writeUInt16BE(Setting.INITIAL_WINDOW_SIZE, 0);
  client.socket.write(PREFACE);
  client.send(FrameType.SETTINGS, 0, 0, none);
  await client.frame(({ type, flags }) => type === FrameType.SETTINGS && (flags & Flag.ACK) !== 0);
  return client;
}

function call(client: RawPeer, calls: number, firstId = 1, message = hello): void {
  for (let id = firstId; id < firstId + 2 * calls; id += 2) {
    client.send(FrameType.HEADERS, Flag.END_HEADERS, id, requestBlock(ECHO));
    client.send(FrameType.DATA, Flag.END_STREAM, id, message);
  }
}

/** Makes calls one after the other until told to stop. */
function steadily(address: string): () => Promise<number> {
  const peer = http2({ memoryBudgetBytes: 16 * MIB }).connect({ address }, {});
  let going = true;
  const all = (async () => {
    let calls = 0;
    for (; going; calls++) await echo(peer, payload("small"));
    await peer.close();
    return calls;
  })();
  return () => {
    going = false;
    return all;
  };
}

test("replies that a client gives no window for take a part of the budget, and fail beyond it", async () => {
  const listener = await serving(16 * MIB, PATIENT_MS);
  const stop = steadily(listener.address);
  const client = await withoutWindow(listener.address);
  call(client, 1000);
  const codes = await codesUntil(client, 1999);
  expect(codes.size).toBeGreaterThan(950);
  expect(new Set(codes.values())).toEqual(new Set([`${Code.RESOURCE_EXHAUSTED}`]));
  expect(memory.unsent).toBeGreaterThan(2 * MIB);
  expect(memory.unsent).toBeLessThanOrEqual(8 * MIB);
  expect(await stop()).toBeGreaterThan(0);
  client.socket.destroy();
});

test("who takes nothing of the replies that wait for it is ended where others have no room for theirs", async () => {
  const listener = await serving(16 * MIB, 50);
  const stop = steadily(listener.address);
  const client = await withoutWindow(listener.address);
  call(client, 1000);
  expect(await client.goAway()).toBe(ErrorCode.ENHANCE_YOUR_CALM);
  expect(await stop()).toBeGreaterThan(0);
  expect(memory.unsent).toBe(0);
});

test("what waits is let go of as it leaves, and a slow reader is not ended", async () => {
  const listener = await serving(64 * MIB, 50);
  const client = await withoutWindow(listener.address);
  client.send(FrameType.WINDOW_UPDATE, 0, 0, uint32(64 * MIB));
  call(client, 4);
  const heads = new HpackDecoder(4096, 65_536);
  for (let i = 0; i < 4; i++) {
    const { payload: block } = await client.frame(({ type }) => type === FrameType.HEADERS);
    heads.decode(block, 0, block.length);
  }
  expect(memory.unsent).toBeGreaterThan(4 * LARGE_BYTES);
  for (const id of [1, 3, 5, 7]) {
    for (let left = LARGE_BYTES + 1024; left > 0; left -= 128 * 1024) {
      client.send(FrameType.WINDOW_UPDATE, 0, id, uint32(128 * 1024));
      await client.frame((frame) => frame.type === FrameType.DATA && frame.id === id);
    }
    const { payload: block, flags } = await client.frame(
      (frame) => frame.type === FrameType.HEADERS && frame.id === id,
    );
    expect(flags & Flag.END_STREAM).toBe(Flag.END_STREAM);
    expect(heads.decode(block, 0, block.length)).toContain(`${Code.OK}`);
  }
  expect(memory.unsent).toBe(0);
  client.socket.destroy();
});

test("of a client that does not read its answers no more is read, and what it has not read is charged; then it goes on", async () => {
  const { address, served } = await talking({});
  const calls = 4000;
  const client = await notReading(address, calls);
  let before = -1;
  while (served.calls !== before) {
    before = served.calls;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(served.calls).toBeGreaterThan(0);
  expect(served.calls).toBeLessThan(calls);
  expect(memory.unsent).toBeGreaterThan(128 * 1024);
  expect(memory.unsent).toBeLessThan(4 * MIB);
  client.socket.resume();
  await client.frame(({ id, flags }) => id === 2 * calls - 1 && (flags & Flag.END_STREAM) !== 0);
  expect(served.calls).toBe(calls);
  client.socket.destroy();
  await client.closed;
  await expect.poll(() => memory.unsent).toBe(0);
});

test("a client that goes on reading nothing is cut off, and what waited is let go of", async () => {
  const { address } = await talking({ stallTimeoutMs: 300, leastBytesPerSecond: 2 ** 30 });
  const client = await notReading(address, 4000);
  await expect.poll(() => memory.unsent).toBeGreaterThan(0);
  await expect.poll(() => memory.unsent, { timeout: 10_000 }).toBe(0);
  client.socket.resume();
  await client.closed;
});

test("requests that a server takes nothing of are charged, and their calls end at their deadlines", async () => {
  const server = await rawServer((peer) => {
    const none = Buffer.alloc(6);
    none.writeUInt16BE(Setting.INITIAL_WINDOW_SIZE, 0);
    peer.send(FrameType.SETTINGS, 0, 0, none);
  }, true);
  const own = new MemoryBudget({ bytes: 16 * MIB });
  const peer = http2({ memory: own }).connect({ address: server.address }, {});
  const calls = Array.from({ length: 20 }, () => echo(peer, payload("large", MIB), { deadline: now() + 300 }));
  await Promise.all(calls.map(async (each) => expect((await failure(each)).code).toBe(Code.DEADLINE_EXCEEDED)));
  expect(own.unsent).toBe(0);
  expect(own.held).toBe(0);
  await Promise.all([server.close(), peer.close()]);
  expect(own.lent).toBe(0);
});

test("a deadline ends a call whose answer its client does not take, though the handler answered at once", async () => {
  const { address } = await serving(64 * MIB, PATIENT_MS);
  const client = await withoutWindow(address);
  client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, requestBlock(ECHO, { "grpc-timeout": "100m" }));
  client.send(FrameType.DATA, Flag.END_STREAM, 1, hello);
  expect(await codesUntil(client, 1)).toEqual(new Map([[1, String(Code.DEADLINE_EXCEEDED)]]));
  expect(memory.unsent).toBe(0);
  client.socket.destroy();
});

/** Reads the heads of answers until that of a stream, and gives the status of each that has one. */
async function codesUntil(client: RawPeer, last: number): Promise<Map<number, string>> {
  const heads = new HpackDecoder(4096, 65_536);
  const codes = new Map<number, string>();
  while (!codes.has(last)) {
    const { id, payload: block } = await client.frame(({ type }) => type === FrameType.HEADERS);
    const fields = heads.decode(block, 0, block.length);
    const at = fields.indexOf("grpc-status");
    if (at >= 0) codes.set(id, fields[at + 1] as string);
  }
  return codes;
}
