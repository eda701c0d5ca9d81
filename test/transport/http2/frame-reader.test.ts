import { expect, test } from "vitest";
import { ConnectionError } from "../../../src/transport/http2/connection-error.ts";
import { ErrorCode, Flag, FrameType } from "../../../src/transport/http2/frame.ts";
import { FrameReader, type FrameSink } from "../../../src/transport/http2/frame-reader.ts";
import { MemoryBudget } from "../../../src/transport/memory-budget.ts";
import { randomFrom } from "./random.ts";
import { frameOf } from "./raw-peer.ts";

const open = () => new MemoryBudget().open({ room() {}, evict() {} }, 0);

/** Writes down what it is told; the parts of a DATA frame in one. */
function recorder(): FrameSink & { readonly seen: string[] } {
  const seen: string[] = [];
  let body = "";
  return {
    deaf: false,
    seen,
    data(id, length, padding, ended) {
      body = "";
      seen.push(`data ${id} ${length} ${padding} ${ended}`);
    },
    dataPart(id, bytes, start, end, ended) {
      body += bytes.toString("hex", start, end);
      const last = seen.at(-1) as string;
      const part = `part ${id} ${body} ${ended}`;
      if (last.startsWith("part")) seen[seen.length - 1] = part;
      else seen.push(part);
    },
    frame(type, flags, id, bytes, start, end) {
      seen.push(`frame ${type} ${flags} ${id} ${bytes.toString("hex", start, end)}`);
    },
  };
}

const padded = Buffer.concat([Buffer.of(3), Buffer.from("data"), Buffer.alloc(3)]);
const stream = Buffer.concat([
  frameOf(FrameType.SETTINGS, 0, 0, Buffer.alloc(0)),
  frameOf(FrameType.HEADERS, Flag.END_HEADERS, 1, Buffer.alloc(300, 1)),
  frameOf(FrameType.DATA, 0, 1, Buffer.alloc(200, 2)),
  frameOf(FrameType.DATA, 0, 1, Buffer.alloc(0)),
  frameOf(FrameType.DATA, Flag.PADDED, 1, padded),
  frameOf(FrameType.DATA, Flag.PADDED, 1, Buffer.from([0])),
  frameOf(0x77, 9, 5, Buffer.alloc(50, 3)),
  frameOf(FrameType.PING, 0, 0, Buffer.alloc(8, 4)),
  frameOf(FrameType.DATA, Flag.PADDED | Flag.END_STREAM, 1, padded),
  frameOf(FrameType.WINDOW_UPDATE, 0, 0, Buffer.alloc(4, 5)),
]);

test("frames are the same however the bytes of the connection are cut", () => {
  const whole = recorder();
  new FrameReader(whole, 16_384, 16_384, open()).read(stream, stream.length);
  expect(whole.seen).toHaveLength(15);
  const random = randomFrom(3);
  for (let round = 0; round < 300; round++) {
    const cut = recorder();
    const reader = new FrameReader(cut, 16_384, 16_384, open());
    const most = 1 + random(60);
    for (let at = 0; at < stream.length; ) {
      const end = Math.min(stream.length, at + 1 + random(most));
      // The buffer is overwritten afterwards, as the socket's is.
      const lent = Buffer.from(stream.subarray(at, end));
      reader.read(lent, lent.length);
      lent.fill(0xee);
      at = end;
    }
    expect(cut.seen).toEqual(whole.seen);
    expect(reader.partial).toBe(false);
  }
});

test.each([
  ["a frame over the announced size", frameOf(FrameType.DATA, 0, 1, Buffer.alloc(20_000)), ErrorCode.FRAME_SIZE_ERROR],
  ["more padding than frame", frameOf(FrameType.DATA, Flag.PADDED, 1, Buffer.of(9, 1, 2)), ErrorCode.PROTOCOL_ERROR],
  ["padding without its length", frameOf(FrameType.DATA, Flag.PADDED, 1, Buffer.alloc(0)), ErrorCode.FRAME_SIZE_ERROR],
  [
    "a large frame that would have to be held",
    frameOf(FrameType.GOAWAY, 0, 0, Buffer.alloc(9000)),
    ErrorCode.ENHANCE_YOUR_CALM,
  ],
])("%s is refused by its header", (_what, bytes, code) => {
  const reader = new FrameReader(recorder(), 16_384, 8192, open());
  const read = (): void => reader.read(bytes, Math.min(bytes.length, 12));
  expect(read).toThrow(ConnectionError);
  try {
    new FrameReader(recorder(), 16_384, 8192, open()).read(bytes, bytes.length);
  } catch (error) {
    expect((error as ConnectionError).code).toBe(code);
  }
});

test("a frame that is not whole takes as much as has come of it, twice at most, and is charged until it is whole", () => {
  const memory = open();
  const sink = recorder();
  const reader = new FrameReader(sink, 100_000, 100_000, memory);
  const bytes = frameOf(FrameType.HEADERS, Flag.END_HEADERS, 1, Buffer.alloc(90_000));
  for (let at = 0; at < bytes.length; at += 1000) {
    const length = Math.min(1000, bytes.length - at);
    if (at > 1000) expect(memory.held).toBeGreaterThanOrEqual(at);
    expect(memory.held).toBeLessThanOrEqual(2 * at);
    reader.read(bytes.subarray(at, at + length), length);
  }
  expect(sink.seen).toHaveLength(1);
  expect(memory.held).toBe(0);
});
