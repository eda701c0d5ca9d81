import { once } from "node:events";
import * as net from "node:net";
import * as nodeTls from "node:tls";
import type { Caller, Contender } from "../contender.ts";
import { blob, greet, work } from "../workload.ts";

// A frame: the length of its body in 4 bytes, the call's number in 4, its kind in 1, its body.
const headBytes = 9;
const slabBytes = 256 * 1024;
const kinds = { hello: 0, echo: 1, download: 2, end: 3, work: 4 } as const;

/** Puts the frames of a turn into one write. */
class Outbox {
  readonly #socket: net.Socket;
  #slab: Buffer = Buffer.allocUnsafeSlow(slabBytes);
  readonly #free: Buffer[] = [];
  #used = 0;

  constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  #flush(): void {
    const slab = this.#slab;
    const full = slab.subarray(0, this.#used);
    this.#used = 0;
    let taken = false;
    this.#socket.write(full, () => {
      // A slab is free again once the socket has taken what it held.
      if (!taken && slab.length === slabBytes) this.#free.push(slab);
    });
    if (this.#socket.writableLength === 0) taken = true;
    else this.#slab = this.#free.pop() ?? Buffer.allocUnsafeSlow(slabBytes);
  }

  /** Gives where the body goes: `length` bytes at the end of what is returned. */
  frame(kind: number, id: number, length: number): number {
    if (this.#used + headBytes + length > this.#slab.length) {
      if (this.#used > 0) this.#flush();
      if (headBytes + length > this.#slab.length) this.#slab = Buffer.allocUnsafeSlow(headBytes + length);
    }
    if (this.#used === 0) process.nextTick(this.#late);
    const at = this.#used;
    this.#slab.writeUInt32LE(length, at);
    this.#slab.writeUInt32LE(id, at + 4);
    this.#slab[at + 8] = kind;
    this.#used = at + headBytes + length;
    return at + headBytes;
  }

  readonly #late = (): void => {
    if (this.#used > 0) this.#flush();
  };

  text(kind: number, id: number, text: string): void {
    const at = this.frame(kind, id, text.length);
    this.#slab.write(text, at, "latin1");
  }

  bytes(kind: number, id: number, bytes: Uint8Array): void {
    const at = this.frame(kind, id, bytes.length);
    this.#slab.set(bytes, at);
  }

  numbers(kind: number, id: number, first: number, second: number): void {
    const at = this.frame(kind, id, 8);
    this.#slab.writeUInt32LE(first, at);
    this.#slab.writeUInt32LE(second, at + 4);
  }

  /** Resolves when the socket takes more. */
  async room(): Promise<void> {
    if (this.#used > 0) this.#flush();
    if (this.#socket.writableNeedDrain) await once(this.#socket, "drain");
  }
}

type OnFrame = (kind: number, id: number, bytes: Buffer, start: number, end: number) => void;

function readFrames(socket: net.Socket, onFrame: OnFrame): void {
  let held: Buffer[] = [];
  let bytes = 0;
  let wanted = headBytes;
  socket.on("data", (chunk: Buffer) => {
    held.push(chunk);
    bytes += chunk.length;
    if (bytes < wanted) return;
    const all = held.length === 1 ? chunk : Buffer.concat(held, bytes);
    let at = 0;
    wanted = headBytes;
    while (all.length - at >= headBytes) {
      const start = at + headBytes;
      const end = start + all.readUInt32LE(at);
      if (end > all.length) {
        wanted = end - at;
        break;
      }
      onFrame(all[at + 8] as number, all.readUInt32LE(at + 4), all, start, end);
      at = end;
    }
    held = at === all.length ? [] : [all.subarray(at)];
    bytes = all.length - at;
  });
}

function serveSocket(socket: net.Socket): void {
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  const outbox = new Outbox(socket);
  const download = async (id: number, count: number, size: number) => {
    for (let i = 0; i < count; i++) {
      outbox.bytes(kinds.download, id, blob(size));
      if (socket.writableNeedDrain) await outbox.room();
    }
    outbox.bytes(kinds.end, id, blob(0));
  };
  readFrames(socket, (kind, id, bytes, start, end) => {
    if (kind === kinds.hello) outbox.text(kind, id, greet(bytes.toString("latin1", start, end)));
    else if (kind === kinds.work) {
      const text = greet(bytes.toString("latin1", start, end));
      void work().then(() => outbox.text(kind, id, text));
    } else if (kind === kinds.echo) outbox.bytes(kind, id, bytes.subarray(start, end));
    else void download(id, bytes.readUInt32LE(start), bytes.readUInt32LE(start + 4));
  });
}

/** What a socket can do at most: frames of nothing but a length and a number, all those of a turn in one write. */
export const contender: Contender = {
  async serve(tls) {
    const server = tls ? nodeTls.createServer(tls, serveSocket) : net.createServer(serveSocket);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return { port: (server.address() as net.AddressInfo).port, close: async () => void server.close() };
  },

  async connect(port, { tls }) {
    const target = { port, host: "127.0.0.1" };
    const socket = tls ? nodeTls.connect({ ...target, ca: tls.ca }) : net.connect(target);
    await once(socket, tls ? "secureConnect" : "connect");
    socket.setNoDelay(true);
    return through(socket);
  },
};

function through(socket: net.Socket): Caller {
  const outbox = new Outbox(socket);
  // A call's number is its place in a ring, as large as the most calls that are ever in flight.
  const ring = 4096;
  const waiting = new Array<((value: any) => void) | undefined>(ring).fill(undefined);
  const received = new Float64Array(ring);
  let last = 0;
  const next = (resolve: (value: any) => void): number => {
    last = (last + 1) % ring;
    waiting[last] = resolve;
    return last;
  };
  const settle = (id: number, value: unknown) => {
    const resolve = waiting[id];
    waiting[id] = undefined;
    resolve?.(value);
  };
  readFrames(socket, (kind, id, bytes, start, end) => {
    if (kind === kinds.hello || kind === kinds.work) settle(id, bytes.toString("latin1", start, end));
    else if (kind === kinds.echo) settle(id, end - start);
    else if (kind === kinds.download) received[id] = (received[id] as number) + end - start;
    else settle(id, received[id]);
  });
  return {
    hello: () => new Promise((resolve) => outbox.text(kinds.hello, next(resolve), "world")),
    work: () => new Promise((resolve) => outbox.text(kinds.work, next(resolve), "world")),
    echo: (data) => new Promise((resolve) => outbox.bytes(kinds.echo, next(resolve), data)),
    download: (count, size) =>
      new Promise((resolve) => {
        const id = next(resolve);
        received[id] = 0;
        outbox.numbers(kinds.download, id, count, size);
      }),
    close: async () => void socket.destroy(),
  };
}
