import { expect, test } from "vitest";
import { Payload } from "../../../gen/probe/v1/probe.ts";
import { ErrorCode, Flag, FrameType, readUint32 } from "../../../src/transport/http2/frame.ts";
import { type Http2Limits, http2 } from "../../../src/transport/http2/index.ts";
import { createWorld, event, payload } from "../../contract/transport/world.ts";
import { framed, rawClient, requestBlock, uint32 } from "./raw-peer.ts";

// A client may use the first window of HTTP/2 until it has seen that of the server. RFC 9113, section 6.9.2.
const limits: Http2Limits = { streamWindowBytes: 16_384, growthBytes: 0 };
const world = createWorld(() => ({ transport: http2(limits) }));

const COLLECT = "/probe.v1.Probe/Collect";
const piece = framed(Buffer.from(Payload.encode(payload("", 15_000)).finish()));

test("a client that has not seen the server's window yet may use the one that HTTP/2 begins with", async () => {
  const forever = event();
  const here = world();
  const listener = await here.serve({ collect: () => forever.happened.then(() => Promise.reject(new Error("never"))) });
  here.after(() => forever.happen());
  const client = await rawClient(listener.address);
  client.send(FrameType.HEADERS, Flag.END_HEADERS, 1, requestBlock(COLLECT));
  for (let i = 0; i < 4; i++) client.send(FrameType.DATA, 0, 1, piece);
  client.send(FrameType.SETTINGS, Flag.ACK, 0);
  // What its SETTINGS have taken from this stream is given back.
  const update = await client.frame(({ type, id }) => type === FrameType.WINDOW_UPDATE && id === 1);
  expect(readUint32(update.payload, 0)).toBe(65_535 - 16_384);
  // From then on its own window holds.
  client.send(FrameType.HEADERS, Flag.END_HEADERS, 3, requestBlock(COLLECT));
  for (let i = 0; i < 2; i++) client.send(FrameType.DATA, 0, 3, piece);
  const reset = await client.frame(({ type }) => type === FrameType.RST_STREAM);
  expect([reset.id, reset.payload]).toEqual([3, uint32(ErrorCode.FLOW_CONTROL_ERROR)]);
  client.socket.destroy();
});
