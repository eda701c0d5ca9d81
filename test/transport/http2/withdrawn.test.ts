import { expect, test } from "vitest";
import { Probe } from "../../../gen/probe/v1/probe.rpc.ts";
import { Payload } from "../../../gen/probe/v1/probe.ts";
import { Code } from "../../../src/core/code.ts";
import { Metadata } from "../../../src/core/metadata.ts";
import type { Method } from "../../../src/core/method.ts";
import type { ConnectOptions, Peer } from "../../../src/core/transport.ts";
import { ErrorCode, Flag, FrameType, readUint32 } from "../../../src/transport/http2/frame.ts";
import { HpackDecoder } from "../../../src/transport/http2/hpack/decoder.ts";
import { http2 } from "../../../src/transport/http2/index.ts";
import { call, echo, failure, payload } from "../../contract/transport/world.ts";
import { framed, literals, type RawPeer, rawServer } from "./raw-peer.ts";

const hello = framed(Buffer.from(Payload.encode(payload("hello")).finish()));
const unencodable = { ...payload("x"), data: 7 as unknown as Uint8Array };
const unary: Method = Probe.methods.echo;
const serverStream: Method = { ...unary, responseStream: true };
const tooLarge = payload("x", 2000);
const small = { maxSendMessageBytes: 1000 };

/** A server that answers each call, with the heads of the calls that it saw and all it saw besides DATA. */
async function answering(settings: Buffer = Buffer.alloc(0)) {
  const calls: Record<string, string>[] = [];
  const resets: number[] = [];
  const decoder = new HpackDecoder(4096, 65_536);
  const server = await rawServer((peer) => void serve(peer).catch(() => {}), true);

  async function serve(peer: RawPeer): Promise<void> {
    peer.send(FrameType.SETTINGS, 0, 0, settings);
    const next = () => peer.frame(({ type }) => type === FrameType.HEADERS || type === FrameType.RST_STREAM);
    for (let frame = await next(); ; frame = await next()) {
      if (frame.type === FrameType.RST_STREAM) {
        // Where the answer comes before the request has ended, the client says that it sends no more.
        if (readUint32(frame.payload, 0) !== ErrorCode.NO_ERROR) resets.push(frame.id);
        continue;
      }
      const fields = decoder.decode(frame.payload, 0, frame.payload.length);
      calls.push(
        Object.fromEntries(Array.from({ length: fields.length / 2 }, (_, i) => fields.slice(2 * i, 2 * i + 2))),
      );
      peer.send(
        FrameType.HEADERS,
        Flag.END_HEADERS,
        frame.id,
        literals({ ":status": "200", "content-type": "application/grpc" }),
      );
      peer.send(FrameType.DATA, 0, frame.id, hello);
      peer.send(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, frame.id, literals({ "grpc-status": "0" }));
    }
  }

  return { ...server, calls, resets };
}

async function connected(address: string, options: ConnectOptions = {}): Promise<Peer> {
  const peer = http2().connect({ address }, options);
  await echo(peer, payload("first"));
  return peer;
}

test.each([
  ["that does not encode", () => unencodable, {}, Code.INVALID_ARGUMENT],
  ["over the limit", () => tooLarge, small, Code.RESOURCE_EXHAUSTED],
  ["over the limit, compressed", () => tooLarge, { ...small, compression: "gzip" }, Code.RESOURCE_EXHAUSTED],
  ["too large for a slab", () => payload("x", 300_000), small, Code.RESOURCE_EXHAUSTED],
] as const)(
  "a request %s: nothing of its call is sent, and the calls beside it are as they were",
  async (_what, bad, options, code) => {
    const server = await answering();
    const peer = await connected(server.address, options);
    const wrong = (method: Method, i: number) =>
      failure(call(peer, method, bad(), { metadata: Metadata.from({ [`x-bad-${i}`]: `${i}` }) }));
    const fine = (i: number) => echo(peer, payload("fine"), { metadata: Metadata.from({ [`x-fine-${i}`]: `${i}` }) });
    for (let i = 0; i < 4; i++) {
      const all = await Promise.all([wrong(unary, i), fine(i), wrong(unary, i), wrong(serverStream, i), fine(i)]);
      expect(all[0]).toMatchObject({ code, local: true });
      expect(all[3]).toMatchObject({ code, local: true });
    }
    await fine(4);
    await peer.close();
    const seen = server.calls.map((head) => Object.keys(head).find((name) => name.startsWith("x-")));
    expect(seen).toEqual([undefined, ...[0, 0, 1, 1, 2, 2, 3, 3, 4].map((i) => `x-fine-${i}`)]);
    expect(server.calls.every((head) => head[":path"] === "/probe.v1.Probe/Echo" && head[":scheme"] === "http")).toBe(
      true,
    );
    expect(server.resets).toEqual([]);
    await server.close();
  },
);

test("a first call whose request does not encode takes nothing from the calls after it", async () => {
  const server = await answering();
  const peer = http2().connect({ address: server.address }, {});
  const bad = failure(echo(peer, unencodable, { metadata: Metadata.from({ "x-bad": "1" }) }));
  const good = echo(peer, payload("good"), { metadata: Metadata.from({ "x-good": "1" }) });
  expect((await bad).code).toBe(Code.INVALID_ARGUMENT);
  await good;
  expect(server.calls).toEqual([expect.objectContaining({ ":path": "/probe.v1.Probe/Echo", "x-good": "1" })]);
  expect(server.resets).toEqual([]);
  await Promise.all([peer.close(), server.close()]);
});

test("a table that the server made smaller is announced with the call that is sent, not with the one that is not", async () => {
  const half = Buffer.alloc(6);
  half.writeUInt16BE(1, 0);
  half.writeUInt32BE(2048, 2);
  const server = await answering(half);
  const peer = http2().connect({ address: server.address }, {});
  expect((await failure(echo(peer, unencodable))).code).toBe(Code.INVALID_ARGUMENT);
  for (let i = 0; i < 3; i++) await echo(peer, payload("good"));
  expect(server.calls.map((head) => head[":path"])).toEqual(Array(3).fill("/probe.v1.Probe/Echo"));
  expect(server.resets).toEqual([]);
  await Promise.all([peer.close(), server.close()]);
});
