import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { Payload } from "../../../gen/probe/v1/probe.ts";
import { FrameWriter } from "../../../src/transport/http2/frame-writer.ts";
import { MessageSender } from "../../../src/transport/http2/message-sender.ts";
import { Outbox } from "../../../src/transport/http2/outbox.ts";
import { defaultSettings } from "../../../src/transport/http2/settings.ts";
import { Stream } from "../../../src/transport/http2/stream.ts";
import { MemoryBudget } from "../../../src/transport/memory-budget.ts";

class TestStream extends Stream {
  onData(): void {}
  onReset(): void {}
  onLost(): void {}
  onRoom(): void {}
  ring(): void {}
}

/** A sender whose socket leads to a reader of what came. */
async function setup() {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const socket = connect((server.address() as { port: number }).port, "127.0.0.1");
  const [[far]] = await Promise.all([accepted, once(socket, "connect")]);
  const settings = { ...defaultSettings(), maxFrameBytes: 128 * 1024 };
  const memory = new MemoryBudget().open({ room() {}, evict() {} }, 0);
  const outbox: Outbox = new Outbox(socket, memory, () => sender.drained());
  const frames = new FrameWriter(outbox, settings, true, () => {});
  const options = { memory, refuses: true, maxMessageBytes: undefined };
  const sender = new MessageSender<TestStream>(outbox, frames, settings, options, () => {});
  let came = Buffer.alloc(0);
  far.on("data", (bytes: Buffer) => {
    came = Buffer.concat([came, bytes]);
    far.emit("more");
  });
  const read = async (count: number): Promise<Buffer> => {
    while (came.length < count) await once(far, "more");
    return came;
  };
  const close = (): void => {
    socket.destroy();
    server.close();
  };
  return { outbox, frames, sender, read, close };
}

const message = { text: "abc", data: new Uint8Array() };

test("a message joins the frame before it only while that has not left", async () => {
  const { frames, sender, read, close } = await setup();
  const stream = new TestStream(1, 65_535, 65_535);
  const send = (): boolean => sender.send(stream, Payload as never, message, false);
  send();
  const first = Buffer.from(await read(1));
  // Something else of the same length, where the frame stood that has left.
  const other = Buffer.alloc(first.length, 0xee);
  frames.raw(other);
  send();
  expect(await read(3 * first.length)).toEqual(Buffer.concat([first, other, first]));
  close();
});

test("a message does not join a frame behind which bytes are sent by reference", async () => {
  const { outbox, sender, read, close } = await setup();
  const stream = new TestStream(1, 65_535, 65_535);
  sender.send(stream, Payload as never, message, false);
  const length = outbox.backlog;
  const other = Buffer.alloc(100, 0xee);
  outbox.attach(other);
  sender.send(stream, Payload as never, message, false);
  const all = await read(2 * length + 100);
  const first = all.subarray(0, length);
  expect(all).toEqual(Buffer.concat([first, other, first]));
  close();
});

test("messages of one turn join in one frame", async () => {
  const { sender, read, close } = await setup();
  const stream = new TestStream(1, 65_535, 65_535);
  for (let i = 0; i < 10; i++) sender.send(stream, Payload as never, message, false);
  const each = 5 + Payload.encode(message).finish().length;
  const all = await read(9 + 10 * each);
  expect(all.length).toBe(9 + 10 * each);
  expect(all.readUIntBE(0, 3)).toBe(10 * each);
  close();
});

test("many frames leave before the turn that writes them is over", async () => {
  const { outbox, sender, read, close } = await setup();
  let bytes = 0;
  for (let id = 1; id < 400; id += 2) {
    sender.send(new TestStream(id, 65_535, 65_535), Payload as never, message, true);
    bytes += 14 + Payload.encode(message).finish().length;
  }
  expect(outbox.backlog).toBeLessThan(bytes / 2);
  expect((await read(bytes)).length).toBe(bytes);
  close();
});

test("what a producer that never waits sends is held back after 256 KiB of a turn", async () => {
  const { sender, close } = await setup();
  const stream = new TestStream(1, 2 ** 30, 65_535);
  sender.window = 2 ** 30;
  const large = { text: "", data: new Uint8Array(20_000) };
  let sent = 1;
  while (sender.send(stream, Payload as never, large, false)) sent++;
  expect(sent * 20_000).toBeGreaterThan(200_000);
  expect(sent * 20_000).toBeLessThan(400_000);
  close();
});

test("small messages that wait keep little more than their own bytes in memory", async () => {
  const { sender, close } = await setup();
  const encoded = Array.from({ length: 1000 }, () => sender.encode(Payload as never, message));
  const buffers = new Set(encoded.map(({ buffer }) => buffer));
  const kept = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
  expect(kept).toBeLessThan(100_000);
  expect(new Set(encoded.map((framed) => framed.toString("hex"))).size).toBe(1);
  close();
});
