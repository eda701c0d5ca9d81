import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import type { Payload } from "../../../gen/probe/v1/probe.ts";
import type { Call } from "../../../src/core/call.ts";
import { Code } from "../../../src/core/code.ts";
import { parseAddress } from "../../../src/core/endpoint.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import { Flag, FrameType, MAX_31_BITS, readUint32 } from "../../../src/transport/http2/frame.ts";
import { type Http2Limits, http2 } from "../../../src/transport/http2/index.ts";
import { cancelled, createWorld, echo, event, failure, payload, reply, watch } from "../../contract/transport/world.ts";
import { framed, rawClient, requestBlock } from "./raw-peer.ts";

let limits: Http2Limits = {};
const world = createWorld(() => ({ transport: http2(limits) }));

function withLimits(given: Http2Limits) {
  limits = given;
  return world();
}

test("a connection whose ids are used up is replaced, and no call is lost", async () => {
  const callers = new Set<string>();
  const { peer } = await withLimits({ maxCallsPerConnection: 40 }).pair({
    echo(call) {
      callers.add(call.caller?.address ?? "");
      return reply(call.request);
    },
  });
  const calls = Array.from({ length: 100 }, (_, i) => echo(peer, payload(`${i}`)));
  const replies = await Promise.all(calls);
  expect(replies.map(({ response }) => response)).toEqual(calls.map((_, i) => payload(`${i}`)));
  expect(callers.size).toBeGreaterThanOrEqual(3);
  expect(peer.inflight).toBe(0);
});

test("a small message passes a large one that was sent before it", async () => {
  const { peer } = await withLimits({}).pair();
  await echo(peer);
  const order: string[] = [];
  const large = echo(peer, payload("large", 4_000_000)).then(() => order.push("large"));
  const small = echo(peer, payload("small")).then(() => order.push("small"));
  await Promise.all([large, small]);
  expect(order).toEqual(["small", "large"]);
});

test("many large messages at once all arrive, though they are more than may be held", async () => {
  const { peer } = await withLimits({ growthBytes: 2_000_000 }).pair();
  const replies = await Promise.all(Array.from({ length: 20 }, (_, i) => echo(peer, payload(`${i}`, 1_000_000))));
  for (const { response } of replies) expect((response as { data: Uint8Array }).data.length).toBe(1_000_000);
});

test("a call whose message was taken holds nothing back, however long its handler is at work", async () => {
  const over = event();
  let waiting = 0;
  const { peer } = await withLimits({ growthBytes: 2_000_000 }).pair({
    async echo(call) {
      const { text } = call.request as Payload;
      if (text !== "") return reply(payload(text));
      if (++waiting === 8) over.happen();
      return reply(payload(await answered.happened));
    },
  });
  const answered = event<string>();
  const slow = Array.from({ length: 8 }, () => echo(peer, payload("", 1_000_000)));
  await over.happened;
  expect((await echo(peer, payload("ninth", 1_000_000))).response).toEqual(payload("ninth"));
  answered.happen("at last");
  await Promise.all(slow);
});

test("messages whose memory is used again stay apart, however they cross", async () => {
  const { peer } = await withLimits({}).pair();
  const sizes = Array.from({ length: 60 }, (_, i) => 200_000 + 37_000 * (i % 13));
  const echoes = sizes.map(async (size, i) => {
    const data = Buffer.alloc(size, `${i},`);
    const { response } = await echo(peer, { ...payload(`${i}`), data });
    const back = (response as { data: Uint8Array }).data;
    return data.equals(back);
  });
  expect(await Promise.all(echoes)).toEqual(sizes.map(() => true));
});

test("calls that wait and cannot be sent fail without nesting, however many they are", async () => {
  const go = event();
  const began = event();
  const here = withLimits({ maxConnectionsPerPeer: 1 });
  const answers = {
    async echo(call: Call) {
      began.happen();
      await go.happened;
      return reply(call.request);
    },
  };
  const { peer } = await here.pair(answers, {
    listen: { maxConcurrentStreams: 1 },
    connect: { maxSendMessageBytes: 100 },
  });
  const held = echo(peer);
  await began.happened;
  const bad = Array.from({ length: 3000 }, () => failure(echo(peer, payload("", 200))));
  const good = echo(peer, payload("good"));
  go.happen();
  expect(new Set((await Promise.all(bad)).map(({ code }) => code))).toEqual(new Set([Code.RESOURCE_EXHAUSTED]));
  expect((await held).response).toEqual(payload("hello"));
  expect((await good).response).toEqual(payload("good"));
  expect(peer.inflight).toBe(0);
});

test("what a handler does to the bytes in its call's metadata stays with that call", async () => {
  const seen: number[] = [];
  const { peer } = await withLimits({}).pair({
    echo(call) {
      const bytes = call.metadata.getBytes("key-bin") as Uint8Array;
      seen.push(bytes[0] as number);
      bytes[0] = 99;
      return reply(call.request);
    },
  });
  for (let i = 0; i < 5; i++) await echo(peer, payload(), { metadata: Metadata.from({ "key-bin": Uint8Array.of(7) }) });
  expect(seen).toEqual([7, 7, 7, 7, 7]);
});

test("metadata that is the same with each call arrives each time, and so does what changes", async () => {
  const { peer } = await withLimits({}).pair({
    echo: (call) => reply(call.request, call.metadata.without("user-agent")),
  });
  const steady = Metadata.from({ tenant: "a", region: "b" });
  for (let i = 0; i < 200; i++) {
    const metadata = i % 3 === 0 ? steady : steady.append({ traceparent: `00-${i}`, [`x-${i}`]: `${i}` });
    const { header } = await echo(peer, payload(), { metadata });
    expect(header.flat).toEqual(metadata.flat);
  }
});

test("trailers of a request end it like any other end", async () => {
  const answered = event();
  const listener = await withLimits({}).serve({
    echo(call) {
      answered.happen();
      return reply(call.request);
    },
  });
  const client = await rawClient(listener.address);
  client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, requestBlock("/probe.v1.Probe/Echo"));
  client.send(FrameType.DATA, 0, 1, framed(Buffer.alloc(0)));
  client.send(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 1, Buffer.from([0, 1, 0x78, 1, 0x79]));
  await answered.happened;
  client.socket.destroy();
});

test("a second connection that is lost is replaced while calls wait", async () => {
  const here = withLimits({});
  const go = event();
  const callers = new Set<string>();
  const began: string[] = [];
  const { changed, until } = watch();
  const { address } = await here.serve(
    {
      async echo(call) {
        const { text } = call.request as { text: string };
        callers.add(call.caller?.address ?? "");
        began.push(text);
        changed();
        if (text.startsWith("long")) await Promise.race([go.happened, failure(cancelled(call))]);
        return reply(call.request);
      },
    },
    { maxConcurrentStreams: 1 },
  );
  const ways: Socket[] = [];
  const proxy = createServer((client) => {
    const server = connect(parseAddress(address));
    ways.push(client);
    for (const socket of [client, server]) socket.on("error", () => {});
    client.pipe(server).pipe(client);
    client.once("close", () => server.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  here.after(() => proxy.close());
  const peer = here.dial(`127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  const first = echo(peer, payload("long first"));
  await until(() => began.includes("long first"));
  const second = failure(echo(peer, payload("long second")));
  await until(() => began.includes("long second"));
  const third = echo(peer, payload("third"));
  ways[1]?.destroy();
  expect((await second).code).toBe(Code.UNAVAILABLE);
  // The first connection is still taken: only a new one can carry it.
  expect((await third).response).toEqual(payload("third"));
  expect(callers.size).toBe(3);
  go.happen();
  await first;
});

test("a client that does not answer the first GOAWAY is told by a second which call was the last", async () => {
  const listener = await withLimits({}).serve({}, { maxConnectionAgeMs: 20 });
  const client = await rawClient(listener.address);
  const isGoAway = ({ type }: { type: number }) => type === FrameType.GOAWAY;
  const lastOf = async () => readUint32((await client.frame(isGoAway)).payload, 0);
  expect(await lastOf()).toBe(MAX_31_BITS);
  expect(await lastOf()).toBe(0);
  await client.closed;
}, 20_000);
