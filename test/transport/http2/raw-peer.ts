import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { parseAddress } from "../../../src/core/endpoint.ts";
import { FrameType, PREFACE, readUint32, writeFrameHeader, writeUint32 } from "../../../src/transport/http2/frame.ts";

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** The other end of a connection, which sends whatever it is told to, frame by frame or byte by byte. */
export interface RawPeer {
  readonly socket: Socket;
  send(type: number, flags: number, id: number, payload?: Buffer): void;
  /** Resolves with the next frame that fits and was not asked for before; rejects when the connection closes first. */
  frame(fits: (frame: Frame) => boolean): Promise<Frame>;
  /** Resolves with the code of GOAWAY, or with undefined where the connection closes without one. */
  goAway(): Promise<number | undefined>;
  readonly closed: Promise<void>;
}

function rawPeer(socket: Socket, skip: number): RawPeer {
  const frames: Frame[] = [];
  let waiting: (() => void)[] = [];
  let held = Buffer.alloc(0);
  let left = skip;
  let isClosed = false;
  const wake = (): void => {
    const all = waiting;
    waiting = [];
    for (const each of all) each();
  };
  socket.on("error", () => {});
  socket.on("data", (bytes) => {
    held = Buffer.concat([held, bytes]);
    if (held.length < left) return;
    held = held.subarray(left);
    left = 0;
    while (held.length >= 9 && held.length >= 9 + held.readUIntBE(0, 3)) {
      const end = 9 + held.readUIntBE(0, 3);
      const id = readUint32(held, 5) & 0x7fffffff;
      frames.push({ type: held[3] as number, flags: held[4] as number, id, payload: held.subarray(9, end) });
      held = held.subarray(end);
    }
    wake();
  });
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => {
      isClosed = true;
      wake();
      resolve();
    });
  });
  async function frame(fits: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const at = frames.findIndex(fits);
      if (at >= 0) return frames.splice(at, 1)[0] as Frame;
      if (isClosed) throw new Error("the connection was closed");
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  }
  return {
    socket,
    closed,
    frame,
    send: (type, flags, id, payload = Buffer.alloc(0)) => void socket.write(frameOf(type, flags, id, payload)),
    goAway: async () => {
      const found = await frame(({ type }) => type === FrameType.GOAWAY).catch(() => undefined);
      return found === undefined ? undefined : readUint32(found.payload, 4);
    },
  };
}

export function frameOf(type: number, flags: number, id: number, payload: Buffer): Buffer {
  const bytes = Buffer.alloc(9 + payload.length);
  writeFrameHeader(bytes, 0, payload.length, type, flags, id);
  payload.copy(bytes, 9);
  return bytes;
}

/** A client without manners. It has sent nothing yet. */
export async function rawSocket(address: string): Promise<RawPeer> {
  const socket = connect(parseAddress(address));
  const peer = rawPeer(socket, 0);
  await once(socket, "connect");
  return peer;
}

/** A client that has sent the preface and its SETTINGS. */
export async function rawClient(address: string): Promise<RawPeer> {
  const peer = await rawSocket(address);
  peer.socket.write(PREFACE);
  peer.send(FrameType.SETTINGS, 0, 0);
  return peer;
}

/** A server without manners: `serve` is called with each connection. It has sent its SETTINGS unless `silent`. */
export async function rawServer(
  serve: (peer: RawPeer) => void,
  silent = false,
): Promise<{ address: string; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    const peer = rawPeer(socket, PREFACE.length);
    if (!silent) peer.send(FrameType.SETTINGS, 0, 0);
    serve(peer);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return {
    address: `127.0.0.1:${port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A header block of literals without Huffman that touches no table; names and values shorter than 127 bytes. */
export function literals(fields: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(fields).map(([name, value]) =>
    Buffer.concat([
      Buffer.of(0, name.length),
      Buffer.from(name, "latin1"),
      Buffer.of(value.length),
      Buffer.from(value, "latin1"),
    ]),
  );
  return Buffer.concat(parts);
}

/** The header block of a call. */
export function requestBlock(path: string, more: Readonly<Record<string, string>> = {}): Buffer {
  return literals({
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "localhost",
    te: "trailers",
    "content-type": "application/grpc",
    ...more,
  });
}

/** A message with gRPC's prefix, which may claim another length. */
export function framed(message: Buffer, length: number = message.length, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  writeUint32(prefix, 1, length);
  return Buffer.concat([prefix, message]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  writeUint32(bytes, 0, value);
  return bytes;
}
