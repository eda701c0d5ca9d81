import { once } from "node:events";
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import type { Contender } from "../contender.ts";
import { Blob, DownloadRequest, Order, Text } from "../gen/bench/v1/bench.ts";
import { blob, greet, order, work } from "../workload.ts";
import { deframer, frame } from "./grpc-frames.ts";

type Answer = (stream: http2.ServerHttp2Stream, request: Uint8Array) => void | Promise<void>;

const sendText = (stream: http2.ServerHttp2Stream, text: string) => stream.end(frame(Text.encode({ text }).finish()));

const answers: Record<string, Answer> = {
  "/bench.v1.Bench/Hello": (stream, request) => void sendText(stream, greet(Text.decode(request).text)),
  "/bench.v1.Bench/Work": async (stream, request) => {
    const { text } = Text.decode(request);
    await work();
    sendText(stream, greet(text));
  },
  "/bench.v1.Bench/Place": (stream, request) => void stream.end(frame(Order.encode(Order.decode(request)).finish())),
  "/bench.v1.Bench/Echo": (stream, request) => void stream.end(frame(Blob.encode(Blob.decode(request)).finish())),
  "/bench.v1.Bench/Download": async (stream, request) => {
    const { count, size } = DownloadRequest.decode(request);
    for (let i = 0; i < count; i++) {
      if (!stream.write(frame(Blob.encode({ data: blob(size) }).finish()))) await once(stream, "drain");
    }
    stream.end();
  },
};

function answer(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.on("error", () => {});
  const path = headers[":path"] as string;
  if (path === "/bench.v1.Bench/Chat") {
    const echo = deframer((message) => stream.write(frame(Text.encode(Text.decode(message)).finish())));
    stream.on("data", echo);
    stream.on("end", () => stream.end());
    return;
  }
  stream.on(
    "data",
    deframer((message) => void answers[path]?.(stream, message)),
  );
}

const window = 16 * 1024 * 1024;
const settings = { initialWindowSize: window, maxFrameSize: 1024 * 1024, enablePush: false };

/** node:http2 without a framework: gRPC's frames by hand, ts-proto's codecs, windows of 16 MiB. */
export const contender: Contender = {
  async serve(tls) {
    const server = tls ? http2.createSecureServer({ ...tls, settings }) : http2.createServer({ settings });
    server.on("stream", answer);
    server.on("session", (session) => session.setLocalWindowSize(window));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return { port: (server.address() as AddressInfo).port, close: async () => void server.close() };
  },

  async connect(port, { tls }) {
    const url = `${tls ? "https" : "http"}://127.0.0.1:${port}`;
    const session = http2.connect(url, { settings, ...(tls && { ca: tls.ca }) });
    await once(session, "connect");
    session.setLocalWindowSize(window);
    return through(session);
  },
};

function through(session: http2.ClientHttp2Session) {
  const open = (method: string) =>
    session.request({
      ":method": "POST",
      ":path": `/bench.v1.Bench/${method}`,
      "content-type": "application/grpc",
      te: "trailers",
    });

  /** Sends one message, hands on each that comes back, and resolves at the end of the stream. */
  const call = (method: string, request: Uint8Array, onMessage: (message: Uint8Array) => void) =>
    new Promise<void>((resolve, reject) => {
      let status: unknown;
      const stream = open(method);
      stream.on("data", deframer(onMessage));
      stream.on("trailers", (trailers) => {
        status = trailers["grpc-status"];
      });
      stream.on("end", () => (status === "0" ? resolve() : reject(new Error(`grpc-status ${status}`))));
      stream.on("error", reject);
      stream.end(frame(request));
    });

  const one = async <T>(method: string, request: Uint8Array, decode: (bytes: Uint8Array) => T): Promise<T> => {
    let reply: T | undefined;
    await call(method, request, (message) => {
      reply = decode(message);
    });
    return reply as T;
  };

  return {
    hello: async () =>
      (await one("Hello", Text.encode({ text: "world" }).finish(), (bytes) => Text.decode(bytes))).text,
    work: async () => (await one("Work", Text.encode({ text: "world" }).finish(), (bytes) => Text.decode(bytes))).text,
    place: async () => (await one("Place", Order.encode(order).finish(), (bytes) => Order.decode(bytes))).total,
    echo: async (data: Uint8Array) =>
      (await one("Echo", Blob.encode({ data }).finish(), (bytes) => Blob.decode(bytes))).data.length,
    async download(count: number, size: number) {
      let bytes = 0;
      await call("Download", DownloadRequest.encode({ count, size }).finish(), (message) => {
        bytes += Blob.decode(message).data.length;
      });
      return bytes;
    },
    chat: (count: number) =>
      new Promise<number>((resolve, reject) => {
        let received = 0;
        const ping = () => stream.write(frame(Text.encode({ text: "ping" }).finish()));
        const stream = open("Chat");
        stream.on(
          "data",
          deframer((message) => {
            Text.decode(message);
            if (++received === count) stream.end();
            else ping();
          }),
        );
        stream.on("end", () => resolve(received));
        stream.on("error", reject);
        ping();
      }),
    close: async () => void session.close(),
  };
}
