import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { Payload } from "../../gen/probe/v1/probe.ts";
import type { Interceptor } from "../../src/core/call.ts";
import { Code } from "../../src/core/code.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import { concurrencyLimit } from "../../src/limit/concurrency-limit.ts";
import { rateLimit } from "../../src/limit/rate-limit.ts";
import { createServer, type Server, type ServerOptions } from "../../src/server/server.ts";
import { Flag, FrameType } from "../../src/transport/http2/frame.ts";
import { HpackDecoder } from "../../src/transport/http2/hpack/decoder.ts";
import { http2 } from "../../src/transport/http2/index.ts";
import { MemoryBudget } from "../../src/transport/memory-budget.ts";
import { event, payload } from "../contract/transport/world.ts";
import { framed, rawClient, requestBlock } from "../transport/http2/raw-peer.ts";

const ECHO = Probe.methods.echo.path;
let server: Server | undefined;

afterEach(async () => {
  await server?.close({ timeoutMs: 0 });
  server = undefined;
});

/** Serves Probe, and tells how each call ended. */
async function serve(
  options: ServerOptions,
  calls: number,
  echo: (request: Payload) => Payload = (request) => request,
) {
  const ends: Code[] = [];
  const all = event<Code[]>();
  const recorder: Interceptor = (next) => async (call) => {
    const note = (code: Code): void => {
      ends.push(code);
      if (ends.length === calls) all.happen(ends);
    };
    try {
      const reply = await next(call);
      note(Code.OK);
      return reply;
    } catch (error) {
      note(RpcError.from(error).code);
      throw error;
    }
  };
  server = createServer({ ...options, interceptors: [recorder, ...(options.interceptors ?? [])] });
  server.add(Probe, {
    echo: (request) => echo(request as Payload),
    expand: async function* () {},
    collect: () => ({ count: 0, bytes: 0n }),
    converse: (requests) => requests,
  });
  return { address: await server.listen("127.0.0.1:0"), all: all.happened };
}

async function send(address: string, calls: number, bytes: Buffer): Promise<() => void> {
  const client = await rawClient(address);
  const block = requestBlock(ECHO, { "grpc-encoding": "gzip" });
  for (let id = 1; id < calls * 2; id += 2) {
    client.send(FrameType.HEADERS, Flag.END_HEADERS, id, block);
    client.send(FrameType.DATA, Flag.END_STREAM, id, framed(bytes, bytes.length, 1));
  }
  return () => client.socket.destroy();
}

test("a compressed request is inflated only once its call was let in", async () => {
  const calls = 1000;
  const limit = rateLimit({ perMethod: { [ECHO.slice(1)]: { perSecond: 1, burst: 5 } } });
  const { address, all } = await serve({ interceptors: [limit] }, calls);
  // Whoever looks into it finds out that it is not gzip at all.
  const stop = await send(address, calls, Buffer.alloc(900, "no gzip"));
  const ends = await all;
  stop();
  const inflated = ends.filter((code) => code === Code.INTERNAL).length;
  expect(inflated).toBeGreaterThanOrEqual(5);
  expect(inflated).toBeLessThan(50);
  expect(ends.filter((code) => code === Code.RESOURCE_EXHAUSTED).length).toBe(calls - inflated);
});

test("of a thousand that inflate to megabytes only those are inflated that the concurrency limit lets in", async () => {
  const calls = 1000;
  const memory = new MemoryBudget({ bytes: 64 * 1024 * 1024 });
  let handled = 0;
  const limit = concurrencyLimit({ initialLimit: 4, maxLimit: 4, maxWaiting: 16 });
  const { address, all } = await serve({ interceptors: [limit], transport: http2({ memory }) }, calls, () => {
    handled++;
    return payload();
  });
  let most = 0;
  const look = setInterval(() => {
    most = Math.max(most, memory.held);
  }, 1);
  const stop = await send(address, calls, gzipSync(Payload.encode(payload("", 3_900_000)).finish()));
  const ends = await all;
  clearInterval(look);
  stop();
  expect(handled).toBeGreaterThanOrEqual(4);
  expect(handled).toBeLessThan(200);
  expect(ends.filter((code) => code === Code.OK).length).toBe(handled);
  expect(ends.filter((code) => code === Code.UNAVAILABLE).length).toBe(calls - handled);
  // What the limit lets in at a time, and what all were sent as.
  expect(most).toBeLessThan(4 * 4_100_000 + calls * 8000);
  expect(memory.held).toBe(0);
});

test("few requests are inflated at a time, and others have their turn between them", async () => {
  const calls = 200;
  // Handlers may hold more than there is here: their turn is all that these wait for.
  const memory = new MemoryBudget({ bytes: 4 * 1024 * 1024 * 1024 });
  const held: number[] = [];
  const { address, all } = await serve({ transport: http2({ memory }) }, calls, () => {
    held.push(memory.held);
    return payload();
  });
  let turns = 0;
  let counting = true;
  const count = (): void => {
    turns++;
    if (counting) setImmediate(count);
  };
  count();
  const large = gzipSync(Payload.encode(payload("", 3_900_000)).finish());
  const stop = await send(address, calls, large);
  expect(new Set(await all)).toEqual(new Set([Code.OK]));
  counting = false;
  stop();
  expect(turns).toBeGreaterThanOrEqual(calls);
  // Four at a time of 3.9 MB, and what the requests were sent as.
  expect(Math.max(...held)).toBeLessThan(4 * 4_000_000 + calls * 8000);
  expect(memory.held).toBe(0);
}, 60_000);

test("an interceptor that looks at a compressed request sees the message", async () => {
  const seen: unknown[] = [];
  const look: Interceptor = (next) => (call) => {
    const copy = call.with({ attempt: 2 });
    seen.push((copy.request as Payload).text);
    return next(copy.set({ description: "any" }, 1));
  };
  const { address, all } = await serve({ interceptors: [look] }, 1);
  const stop = await send(address, 1, gzipSync(Payload.encode(payload("hello")).finish()));
  expect(await all).toEqual([Code.OK]);
  stop();
  expect(seen).toEqual(["hello"]);
});

test("a server that takes no compressed requests says so", async () => {
  const { address } = await serve({ acceptCompression: false }, 1);
  const client = await rawClient(address);
  client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, requestBlock(ECHO, { "grpc-encoding": "gzip" }));
  const { payload: block } = await client.frame(({ type, id }) => type === FrameType.HEADERS && id === 1);
  client.socket.destroy();
  const text = new HpackDecoder(4096, 65_536).decode(block, 0, block.length);
  expect(text[text.indexOf("grpc-status") + 1]).toBe(String(Code.UNIMPLEMENTED));
  expect(text[text.indexOf("grpc-accept-encoding") + 1]).toBe("identity");
});
