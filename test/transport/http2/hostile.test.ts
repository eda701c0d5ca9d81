import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Payload } from "../../../gen/probe/v1/probe.ts";
import { Code } from "../../../src/core/code.ts";
import type { Listener, ListenOptions } from "../../../src/core/transport.ts";
import { ErrorCode, Flag, FrameType, PREFACE, readUint32, Setting } from "../../../src/transport/http2/frame.ts";
import { HpackDecoder } from "../../../src/transport/http2/hpack/decoder.ts";
import { type Http2Limits, http2 } from "../../../src/transport/http2/index.ts";
import { MemoryBudget } from "../../../src/transport/memory-budget.ts";
import {
  type Answers,
  createWorld,
  echo,
  event,
  expand,
  failure,
  payload,
  reply,
  responses,
} from "../../contract/transport/world.ts";
import { serverTls } from "../../support/certs.ts";
import {
  type Frame,
  framed,
  frameOf,
  literals,
  type RawPeer,
  rawClient,
  rawServer,
  rawSocket,
  requestBlock,
  uint32,
} from "./raw-peer.ts";

const ECHO = "/probe.v1.Probe/Echo";
const COLLECT = "/probe.v1.Probe/Collect";
const hello = framed(Buffer.from(Payload.encode(payload("hello")).finish()));
/** A text of 3,900 commas in a header block. */
const COMMAS = Buffer.concat([Buffer.from([0x7f, 0xbd, 0x1d]), Buffer.alloc(3900, ",")]);
const END = Flag.END_STREAM | Flag.END_HEADERS;

/** A server with these limits, and what it takes to see that it has come to no harm. */
function attacked(limits: Http2Limits = {}) {
  const world = createWorld(() => ({ transport: http2(limits) }));
  return async (answers?: Answers, options?: ListenOptions): Promise<Listener> => {
    const listener = await world().serve(answers, options);
    return listener;
  };
}

async function stillServes({ address }: Listener): Promise<void> {
  const peer = http2().connect({ address }, {});
  expect((await echo(peer)).response).toEqual(payload("hello"));
  await peer.close();
}

const goAwayWith = async (client: RawPeer, code: number): Promise<void> => {
  expect(await client.goAway()).toBe(code);
  await client.closed;
};

/** The status in the trailers of a stream. */
async function status(client: RawPeer, id: number, decoder = new HpackDecoder(4096, 65_536)): Promise<Code> {
  for (;;) {
    const { payload: block, flags } = await client.frame(
      (frame) => frame.type === FrameType.HEADERS && frame.id === id,
    );
    const fields = decoder.decode(block, 0, block.length);
    if ((flags & Flag.END_STREAM) !== 0) return Number(fields[fields.indexOf("grpc-status") + 1]) as Code;
  }
}

const resetOf = (id: number) => (frame: Frame) => frame.type === FrameType.RST_STREAM && frame.id === id;

describe("floods end the connection, and only that", () => {
  const serve = attacked({ controlFramesPerSecond: 200, resetsPerSecond: 200 });

  test("calls that are reset as soon as they are made, with few handlers at work meanwhile", async () => {
    let running = 0;
    let most = 0;
    const forever = event();
    const listener = await serve(
      {
        async collect() {
          most = Math.max(most, ++running);
          await forever.happened;
          throw new Error("never");
        },
      },
      { maxConcurrentStreams: 100 },
    );
    const client = await rawClient(listener.address);
    for (let id = 1; id < 20_000; id += 2) {
      client.send(FrameType.HEADERS, Flag.END_HEADERS, id, requestBlock(COLLECT));
      client.send(FrameType.RST_STREAM, 0, id, uint32(ErrorCode.CANCEL));
    }
    await goAwayWith(client, ErrorCode.ENHANCE_YOUR_CALM);
    expect(most).toBeLessThanOrEqual(100);
    await stillServes(listener);
    forever.happen();
  });

  test.each([
    ["SETTINGS", FrameType.SETTINGS, 0, Buffer.alloc(0)],
    ["PING", FrameType.PING, 0, Buffer.alloc(8)],
    ["answers to no PING", FrameType.PING, Flag.ACK, Buffer.alloc(8)],
    ["PRIORITY", FrameType.PRIORITY, 0, Buffer.alloc(5)],
    ["WINDOW_UPDATE", FrameType.WINDOW_UPDATE, 0, uint32(1)],
    ["frames of unknown types", 0x42, 0, Buffer.alloc(3)],
  ])("%s", async (_what, type, flags, bytes) => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    const id = type === FrameType.PRIORITY ? 1 : 0;
    for (let i = 0; i < 5000; i++) client.send(type, flags, id, bytes);
    await goAwayWith(client, ErrorCode.ENHANCE_YOUR_CALM);
    await stillServes(listener);
  });

  test("SETTINGS that change the windows of many streams", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    for (let i = 0; i < 640; i++) client.send(FrameType.HEADERS, Flag.END_HEADERS, 2 * i + 1, requestBlock(COLLECT));
    const window = (bytes: number): Buffer =>
      Buffer.concat([Buffer.from([0, Setting.INITIAL_WINDOW_SIZE]), uint32(bytes)]);
    for (let i = 0; i < 150; i++) client.send(FrameType.SETTINGS, 0, 0, window(65_000 + i));
    await goAwayWith(client, ErrorCode.ENHANCE_YOUR_CALM);
    await stillServes(listener);
  });

  test("empty DATA", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, requestBlock(COLLECT));
    for (let i = 0; i < 5000; i++) client.send(FrameType.DATA, 0, 1);
    await goAwayWith(client, ErrorCode.ENHANCE_YOUR_CALM);
    await stillServes(listener);
  });

  test("RST_STREAM of a stream that has ended", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    client.send(FrameType.HEADERS, END, 1, requestBlock("/no/Method"));
    for (let i = 0; i < 5000; i++) client.send(FrameType.RST_STREAM, 0, 1, uint32(ErrorCode.CANCEL));
    await goAwayWith(client, ErrorCode.ENHANCE_YOUR_CALM);
    await stillServes(listener);
  });

  test("CONTINUATION without an end", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    client.send(FrameType.HEADERS, 0, 1, requestBlock(ECHO));
    const more = literals({ "x-more": "x".repeat(100) });
    for (let i = 0; i < 10_000; i++) client.send(FrameType.CONTINUATION, 0, 1, more);
    await goAwayWith(client, ErrorCode.ENHANCE_YOUR_CALM);
    await stillServes(listener);
  });

  test("CONTINUATION that is empty, without an end", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    client.send(FrameType.HEADERS, 0, 1, requestBlock(ECHO));
    for (let i = 0; i < 10_000; i++) client.send(FrameType.CONTINUATION, 0, 1);
    await goAwayWith(client, ErrorCode.ENHANCE_YOUR_CALM);
    await stillServes(listener);
  });

  test("requests that are malformed", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    for (let id = 1; id < 10_000; id += 2) client.send(FrameType.HEADERS, END, id, literals({ ":method": "POST" }));
    await goAwayWith(client, ErrorCode.ENHANCE_YOUR_CALM);
    await stillServes(listener);
  });
});

describe("a client that asks and does not read", () => {
  const serve = attacked({ controlFramesPerSecond: 1_000_000, stallTimeoutMs: 300, leastBytesPerSecond: 2 ** 30 });

  test("is cut off once too much has waited for it for too long", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    client.socket.pause();
    const pings = Buffer.concat(
      Array.from({ length: 10_000 }, () => Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0, ...Buffer.alloc(8)])),
    );
    let open = true;
    client.socket.on("error", () => {});
    client.socket.once("close", () => {
      open = false;
    });
    while (open) {
      if (!client.socket.write(pings)) await new Promise((resolve) => setImmediate(resolve));
    }
    await stillServes(listener);
  });
});

describe("header blocks", () => {
  const serve = attacked();

  test("an entry of the table that is named thousands of times is metadata over the limit", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    const value = "x".repeat(3900);
    // Incremental indexing: `x-bomb` with a value of 3,900 bytes, then 4,000 references to it, a byte each.
    const entry = Buffer.concat([
      Buffer.from([0x40, 6]),
      Buffer.from("x-bomb"),
      Buffer.from([0x7f, 0xbd, 0x1d]),
      Buffer.from(value),
    ]);
    const block = Buffer.concat([requestBlock(ECHO), entry, Buffer.alloc(4000, 0x80 | 62)]);
    const before = process.memoryUsage().heapUsed;
    for (let id = 1; id < 200; id += 2) client.send(FrameType.HEADERS, END, id, block);
    expect(await status(client, 1)).toBe(Code.RESOURCE_EXHAUSTED);
    await client.frame(({ type, id }) => type === FrameType.HEADERS && id === 199);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
    client.socket.destroy();
    await stillServes(listener);
  });

  test("thousands of empty values in a header of bytes count as fields, and fail the call", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    // `x-bin` with 3,900 commas enters the table; a byte for each stands for it from then on.
    const entry = Buffer.concat([Buffer.from([0x40, 5]), Buffer.from("x-bin"), COMMAS]);
    const decoder = new HpackDecoder(4096, 65_536);
    client.send(FrameType.HEADERS, END, 1, Buffer.concat([requestBlock(ECHO), entry]));
    expect(await status(client, 1, decoder)).toBe(Code.RESOURCE_EXHAUSTED);
    const before = process.memoryUsage();
    const block = Buffer.concat([requestBlock(ECHO), Buffer.alloc(4, 0x80 | 62)]);
    for (let id = 3; id < 300; id += 2) client.send(FrameType.HEADERS, Flag.END_HEADERS, id, block);
    expect(await status(client, 299, decoder)).toBe(Code.RESOURCE_EXHAUSTED);
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    expect(heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(64 * 1024 * 1024);
    client.socket.destroy();
    await stillServes(listener);
  });

  test("a client counts the values of a header of bytes as fields too", async () => {
    const fields = literals({ ":status": "200", "content-type": "application/grpc" });
    const block = Buffer.concat([fields, Buffer.from([0x40, 5]), Buffer.from("x-bin"), COMMAS]);
    const server = await rawServer((client) => {
      void client
        .frame(({ type }) => type === FrameType.HEADERS)
        .then(() => client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, block));
    });
    const peer = http2().connect({ address: server.address }, {});
    expect((await failure(echo(peer))).code).toBe(Code.RESOURCE_EXHAUSTED);
    await peer.close();
    await server.close();
  });

  test.each([
    ["an index of no entry", Buffer.from([0x80 | 80])],
    ["the index 0", Buffer.from([0x80])],
    ["an integer without an end", Buffer.alloc(20, 0xff)],
    ["a text that is longer than its block", Buffer.from([0x40, 0x7f, 0xff, 0x7f])],
    ["a table larger than allowed", Buffer.from([0x3f, 0xe1, 0xff, 0x7f])],
    ["a Huffman code that ends in zeros", Buffer.from([0x40, 0x81, 0x00, 0x00])],
  ])("%s ends the connection", async (_what, block) => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    client.send(FrameType.HEADERS, END, 1, block);
    await goAwayWith(client, ErrorCode.COMPRESSION_ERROR);
    await stillServes(listener);
  });

  test("a list over the limit fails its call and no other", async () => {
    const listener = await serve({}, { maxMetadataBytes: 1000 });
    const client = await rawClient(listener.address);
    const fields = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`x-${i}`, "x".repeat(100)]));
    client.send(FrameType.HEADERS, END, 1, requestBlock(ECHO, fields));
    const decoder = new HpackDecoder(4096, 65_536);
    expect(await status(client, 1, decoder)).toBe(Code.RESOURCE_EXHAUSTED);
    client.send(FrameType.HEADERS, Flag.END_HEADERS, 3, requestBlock(ECHO));
    client.send(FrameType.DATA, Flag.END_STREAM, 3, hello);
    expect(await status(client, 3, decoder)).toBe(Code.OK);
    client.socket.destroy();
  });

  const memory = new MemoryBudget({ bytes: 64 * 1024 * 1024 });
  const serveCharged = attacked({ memory });

  test("what has come of a header block is charged until the block is whole", async () => {
    const listener = await serveCharged();
    const client = await rawClient(listener.address);
    const block = requestBlock(ECHO);
    client.send(FrameType.HEADERS, 0, 1, Buffer.concat([block, literals({ "x-large": "x".repeat(100) })]));
    await expect.poll(() => memory.held).toBe(block.length + 2 + 7 + 1 + 100);
    client.send(FrameType.CONTINUATION, Flag.END_HEADERS, 1, Buffer.alloc(0));
    await expect.poll(() => memory.held).toBe(0);
    client.socket.destroy();
  });

  test("a block of many frames that is far over the limit ends the connection", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    client.send(FrameType.HEADERS, 0, 1, Buffer.alloc(16_000));
    for (let i = 0; i < 30; i++) client.send(FrameType.CONTINUATION, 0, 1, Buffer.alloc(16_000));
    await goAwayWith(client, ErrorCode.ENHANCE_YOUR_CALM);
    await stillServes(listener);
  });
});

describe("messages", () => {
  const serve = attacked({ stallTimeoutMs: 200 });

  test("a length over the limit is refused before the message comes", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, requestBlock(ECHO));
    client.send(FrameType.DATA, 0, 1, framed(Buffer.alloc(10), 0xffffffff));
    expect(await status(client, 1)).toBe(Code.RESOURCE_EXHAUSTED);
    client.socket.destroy();
    await stillServes(listener);
  });

  test("lengths that lie reserve no memory, and their calls end", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    const before = process.memoryUsage().arrayBuffers;
    for (let id = 1; id < 1000; id += 2) {
      client.send(FrameType.HEADERS, Flag.END_HEADERS, id, requestBlock(ECHO));
      client.send(FrameType.DATA, 0, id, framed(Buffer.alloc(10), 4_000_000));
    }
    // Nothing is reserved beyond 64 KiB for each; the calls end since their messages do not come.
    expect(await status(client, 1)).toBe(Code.DEADLINE_EXCEEDED);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
    client.socket.destroy();
    await stillServes(listener);
  });

  test("a message that waited for room, as another came slowly, has all its time from then on", async () => {
    const limits = {
      streamWindowBytes: 16_384,
      growthBytes: 65_536,
      leastBytesPerSecond: 131_072,
      stallTimeoutMs: 200,
    };
    const { address } = await attacked(limits)({ echo: () => reply(payload("small")) });
    const client = await rawClient(address);
    const large = framed(Buffer.from(Payload.encode(payload("", 200_000)).finish()));
    const send = (id: number, from: number, to: number): void => {
      for (let at = from; at < to; at += 16_384) {
        const end = Math.min(to, at + 16_384);
        client.send(FrameType.DATA, end === large.length ? Flag.END_STREAM : 0, id, large.subarray(at, end));
      }
    };
    const room = (id: number): Promise<Frame> =>
      client.frame((frame) => frame.type === FrameType.WINDOW_UPDATE && frame.id === id);
    await client.frame(({ type, flags }) => type === FrameType.SETTINGS && (flags & Flag.ACK) !== 0);
    client.send(FrameType.SETTINGS, Flag.ACK, 0);
    for (const id of [1, 3]) {
      client.send(FrameType.HEADERS, Flag.END_HEADERS, id, requestBlock(ECHO));
      send(id, 0, 16_384);
    }
    await room(1);
    send(1, 16_384, 120_000);
    // Longer than the other may be late with what it has sent.
    await sleep(1_000);
    send(1, 120_000, large.length);
    await room(3);
    await sleep(150);
    send(3, 16_384, large.length);
    const decoder = new HpackDecoder(4096, 65_536);
    expect(await status(client, 1, decoder)).toBe(Code.OK);
    expect(await status(client, 3, decoder)).toBe(Code.OK);
    client.socket.destroy();
  });

  test("a length that lies about the frame is a request without a message", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, requestBlock(ECHO));
    client.send(FrameType.DATA, Flag.END_STREAM, 1, framed(Buffer.alloc(10), 100));
    expect(await status(client, 1)).toBe(Code.UNIMPLEMENTED);
    client.socket.destroy();
  });

  test("a message that decompresses to far more than the limit is given up at the limit", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, requestBlock(ECHO, { "grpc-encoding": "gzip" }));
    const bomb = gzipSync(Buffer.alloc(100 * 1024 * 1024));
    const bytes = framed(bomb, bomb.length, 1);
    const most = 16_000;
    for (let at = 0; at < bytes.length; at += most) {
      const last = at + most >= bytes.length;
      client.send(FrameType.DATA, last ? Flag.END_STREAM : 0, 1, bytes.subarray(at, at + most));
    }
    expect(await status(client, 1)).toBe(Code.RESOURCE_EXHAUSTED);
    client.socket.destroy();
  });

  test("a flag that gRPC does not define is INTERNAL", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, requestBlock(ECHO));
    client.send(FrameType.DATA, Flag.END_STREAM, 1, framed(Buffer.alloc(0), 0, 7));
    expect(await status(client, 1)).toBe(Code.INTERNAL);
    client.socket.destroy();
  });
});

describe("peers that are slow on purpose", () => {
  const serve = attacked({ handshakeTimeoutMs: 100, stallTimeoutMs: 200 });

  test("a preface that does not come", async () => {
    const listener = await serve();
    const client = await rawSocket(listener.address);
    client.socket.write(PREFACE.subarray(0, 10));
    await client.closed;
    await stillServes(listener);
  });

  test("a TLS handshake that never begins", async () => {
    const listener = await serve(undefined, { tls: serverTls });
    const began = performance.now();
    const client = await rawSocket(listener.address);
    await client.closed;
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test("SETTINGS that do not come", async () => {
    const listener = await serve();
    const client = await rawSocket(listener.address);
    client.socket.write(PREFACE);
    await client.closed;
    await stillServes(listener);
  });

  test("a header block that trickles in", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    const block = requestBlock(ECHO);
    client.send(FrameType.HEADERS, 0, 1, block.subarray(0, 5));
    const trickle = setInterval(() => client.socket.write(Buffer.from([0])), 20);
    await client.closed;
    clearInterval(trickle);
    await stillServes(listener);
  });

  test("a message that trickles in", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, requestBlock(ECHO));
    client.send(FrameType.DATA, 0, 1, framed(Buffer.alloc(0), 1000));
    const trickle = setInterval(() => client.send(FrameType.DATA, 0, 1, Buffer.from([0])), 20);
    expect(await status(client, 1)).toBe(Code.DEADLINE_EXCEEDED);
    clearInterval(trickle);
    client.socket.destroy();
    await stillServes(listener);
  });

  test("a call whose message never begins", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, requestBlock(ECHO));
    expect(await status(client, 1)).toBe(Code.DEADLINE_EXCEEDED);
    client.socket.destroy();
  });
});

describe("streams and windows", () => {
  const serve = attacked();

  test("a stream over the limit is refused, unprocessed", async () => {
    const listener = await serve({}, { maxConcurrentStreams: 2 });
    const client = await rawClient(listener.address);
    for (const id of [1, 3, 5]) client.send(FrameType.HEADERS, Flag.END_HEADERS, id, requestBlock(COLLECT));
    const { payload: code } = await client.frame(resetOf(5));
    expect(readUint32(code, 0)).toBe(ErrorCode.REFUSED_STREAM);
    client.socket.destroy();
  });

  test("a connection's window that overflows", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    client.send(FrameType.WINDOW_UPDATE, 0, 0, uint32(0x7fffffff));
    await goAwayWith(client, ErrorCode.FLOW_CONTROL_ERROR);
    await stillServes(listener);
  });

  test("a stream's window that overflows resets the stream", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, requestBlock(COLLECT));
    client.send(FrameType.WINDOW_UPDATE, 0, 1, uint32(0x7fffffff));
    const { payload: code } = await client.frame(resetOf(1));
    expect(readUint32(code, 0)).toBe(ErrorCode.FLOW_CONTROL_ERROR);
    client.socket.destroy();
  });

  test("SETTINGS that make a stream's window overflow", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, requestBlock(COLLECT));
    client.send(FrameType.WINDOW_UPDATE, 0, 1, uint32(0x7fff0000 - 65_535));
    const setting = Buffer.concat([Buffer.from([0, Setting.INITIAL_WINDOW_SIZE]), uint32(0x7fffffff)]);
    client.send(FrameType.SETTINGS, 0, 0, setting);
    await goAwayWith(client, ErrorCode.FLOW_CONTROL_ERROR);
  });

  test("more data than a stream's window allows", async () => {
    const forever = event();
    const listener = await serve({
      async collect() {
        await forever.happened;
        throw new Error("never");
      },
    });
    const client = await rawClient(listener.address);
    client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, requestBlock(COLLECT));
    for (let i = 0; i < 20; i++) client.send(FrameType.DATA, 0, 1, framed(Buffer.alloc(10_000)));
    const { payload: code } = await client.frame(resetOf(1));
    expect(readUint32(code, 0)).toBe(ErrorCode.FLOW_CONTROL_ERROR);
    forever.happen();
    client.socket.destroy();
  });

  test("data that goes on after its stream was reset", async () => {
    const listener = await serve({
      collect() {
        throw new Error("at once");
      },
    });
    const client = await rawClient(listener.address);
    client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, requestBlock(COLLECT));
    for (let i = 0; i < 40_000; i++) client.send(FrameType.DATA, 0, 1, Buffer.alloc(100));
    await goAwayWith(client, ErrorCode.ENHANCE_YOUR_CALM);
    await stillServes(listener);
  });
});

describe("garbage", () => {
  const serve = attacked();

  test("what begins like HTTP/1.1, and is not", async () => {
    const listener = await serve();
    const client = await rawSocket(listener.address);
    client.socket.write("GET of what\r\n");
    await goAwayWith(client, ErrorCode.PROTOCOL_ERROR);
    await stillServes(listener);
  });

  test("a line of HTTP/1.1 that never ends", async () => {
    const listener = await serve();
    const client = await rawSocket(listener.address);
    client.socket.write(`GET /${"a".repeat(10_000)}`);
    await goAwayWith(client, ErrorCode.PROTOCOL_ERROR);
    await stillServes(listener);
  });

  test("random bytes, before and after the preface", async () => {
    const listener = await serve();
    for (let i = 0; i < 50; i++) {
      const client = await (i % 2 === 0 ? rawSocket : rawClient)(listener.address);
      client.socket.write(randomBytes(2000));
      client.socket.end();
      await client.closed;
    }
    await stillServes(listener);
  });

  test("a client that closes its half in the middle of a frame", async () => {
    const listener = await serve();
    const client = await rawClient(listener.address);
    client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, requestBlock(ECHO));
    client.socket.write(Buffer.from([0, 0, 100, 0, 0, 0, 0, 0, 1, 1, 2, 3]));
    client.socket.end();
    await client.closed;
    expect(listener.inflight).toBe(0);
    await stillServes(listener);
  });
});

describe("a server that attacks its client", () => {
  const block = literals({ ":status": "200", "content-type": "application/grpc" });

  async function callOn(serve: (peer: RawPeer) => void, silent = false): Promise<Code> {
    const server = await rawServer(serve, silent);
    const peer = http2({ controlFramesPerSecond: 200 }).connect({ address: server.address }, { connectTimeoutMs: 200 });
    const { code } = await failure(echo(peer));
    await peer.close();
    await server.close();
    return code;
  }

  const onCall = (answer: (peer: RawPeer, id: number) => void) => (peer: RawPeer) => {
    peer
      .frame(({ type }) => type === FrameType.HEADERS)
      .then(
        ({ id }) => answer(peer, id),
        () => {},
      );
  };

  test.each<[what: string, code: Code, attack: (peer: RawPeer) => void]>([
    ["says nothing", Code.UNAVAILABLE, () => {}],
    ["sends garbage", Code.UNAVAILABLE, ({ socket }) => socket.write(randomBytes(1000))],
    ["speaks HTTP/1.1", Code.UNAVAILABLE, ({ socket }) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["closes at once", Code.UNAVAILABLE, ({ socket }) => socket.destroy()],
    [
      "goes away as soon as it comes",
      Code.UNAVAILABLE,
      ({ socket }) => {
        const goAway = frameOf(FrameType.GOAWAY, 0, 0, Buffer.alloc(8));
        socket.write(Buffer.concat([frameOf(FrameType.SETTINGS, 0, 0, Buffer.alloc(0)), goAway]));
      },
    ],
  ])("%s: the call fails", async (_what, code, attack) => {
    expect(await callOn(attack, true)).toBe(code);
  });

  test.each<[what: string, code: Code, attack: (peer: RawPeer, id: number) => void]>([
    ["pushes", Code.UNAVAILABLE, (peer, id) => peer.send(FrameType.PUSH_PROMISE, 4, id, Buffer.alloc(4))],
    ["sends data before headers", Code.INTERNAL, (peer, id) => peer.send(FrameType.DATA, 0, id, hello)],
    ["sends data on an idle stream", Code.UNAVAILABLE, (peer, id) => peer.send(FrameType.DATA, 0, id + 2, hello)],
    ["opens a stream", Code.UNAVAILABLE, (peer) => peer.send(FrameType.HEADERS, END, 2, block)],
    [
      "sends a block that does not decode",
      Code.UNAVAILABLE,
      (peer, id) => peer.send(FrameType.HEADERS, END, id, Buffer.alloc(5, 0xff)),
    ],
    ["answers without a status", Code.UNKNOWN, (peer, id) => peer.send(FrameType.HEADERS, END, id, block)],
    [
      "answers in HTML",
      Code.UNAVAILABLE,
      (peer, id) =>
        peer.send(FrameType.HEADERS, Flag.END_HEADERS, id, literals({ ":status": "503", "content-type": "text/html" })),
    ],
    [
      "ends a stream without trailers",
      Code.INTERNAL,
      (peer, id) => {
        peer.send(FrameType.HEADERS, Flag.END_HEADERS, id, block);
        peer.send(FrameType.DATA, Flag.END_STREAM, id, hello);
      },
    ],
    [
      "claims a message of 4 GiB",
      Code.RESOURCE_EXHAUSTED,
      (peer, id) => {
        peer.send(FrameType.HEADERS, Flag.END_HEADERS, id, block);
        peer.send(FrameType.DATA, 0, id, framed(Buffer.alloc(0), 0xffffffff));
      },
    ],
    [
      "sends too large a list of headers",
      Code.RESOURCE_EXHAUSTED,
      (peer, id) => {
        const fields = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`x-${i}`, "x".repeat(100)]));
        peer.send(FrameType.HEADERS, Flag.END_HEADERS, id, Buffer.concat([block, literals(fields)]));
      },
    ],
    [
      "sends thousands of interim responses before its answer",
      Code.UNAVAILABLE,
      (peer, id) => {
        const interim = literals({ ":status": "103" });
        for (let i = 0; i < 5000; i++) peer.send(FrameType.HEADERS, Flag.END_HEADERS, id, interim);
        peer.send(FrameType.HEADERS, Flag.END_HEADERS, id, block);
        peer.send(FrameType.DATA, 0, id, hello);
        peer.send(FrameType.HEADERS, END, id, literals({ "grpc-status": "0" }));
      },
    ],
    [
      "floods with PING",
      Code.UNAVAILABLE,
      (peer) => {
        for (let i = 0; i < 5000; i++) peer.send(FrameType.PING, 0, 0, Buffer.alloc(8));
      },
    ],
    [
      "floods with SETTINGS",
      Code.UNAVAILABLE,
      (peer) => {
        for (let i = 0; i < 5000; i++) peer.send(FrameType.SETTINGS, 0, 0);
      },
    ],
    [
      "floods with CONTINUATION",
      Code.UNAVAILABLE,
      (peer, id) => {
        peer.send(FrameType.HEADERS, 0, id, block);
        for (let i = 0; i < 1000; i++) peer.send(FrameType.CONTINUATION, 0, id);
      },
    ],
    ["resets the call", Code.CANCELLED, (peer, id) => peer.send(FrameType.RST_STREAM, 0, id, uint32(ErrorCode.CANCEL))],
  ])("%s: the call fails, and nothing else", async (_what, code, attack) => {
    expect(await callOn(onCall(attack))).toBe(code);
  });

  test("a stream that is refused, or above the last of GOAWAY, is unprocessed", async () => {
    const goAway = Buffer.concat([uint32(0), uint32(ErrorCode.NO_ERROR)]);
    const server = await rawServer(
      onCall((peer, id) => {
        if (id === 1) peer.send(FrameType.RST_STREAM, 0, id, uint32(ErrorCode.REFUSED_STREAM));
        peer
          .frame(({ type }) => type === FrameType.HEADERS)
          .then(
            () => peer.send(FrameType.GOAWAY, 0, 0, goAway),
            () => {},
          );
      }),
    );
    const peer = http2().connect({ address: server.address }, {});
    expect(await failure(echo(peer))).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
    expect(await failure(echo(peer))).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
    await peer.close();
    await server.close();
  });

  test("a message and nonsense behind it in one frame: the reader who waits gets both", async () => {
    const one = framed(Buffer.from(Payload.encode(payload("one")).finish()));
    const server = await rawServer(
      onCall((peer, id) => {
        peer.send(FrameType.HEADERS, Flag.END_HEADERS, id, block);
        peer.send(FrameType.DATA, 0, id, one);
        // The acknowledgement shows that the first message has been read before the second comes.
        peer.send(FrameType.PING, 0, 0, Buffer.alloc(8));
        peer
          .frame(({ type }) => type === FrameType.PING)
          .then(
            () => peer.send(FrameType.DATA, 0, id, Buffer.concat([one, framed(Buffer.alloc(3), 3, 9)])),
            () => {},
          );
      }),
    );
    const peer = http2().connect({ address: server.address }, {});
    const messages = responses(await expand(peer));
    expect((await messages.next()).value).toEqual(payload("one"));
    expect((await messages.next()).value).toEqual(payload("one"));
    expect((await failure(messages.next())).code).toBe(Code.INTERNAL);
    await peer.close();
    await server.close();
  });
});
