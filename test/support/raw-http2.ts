import { once } from "node:events";
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";

/** What came back on a stream, whatever it was. */
export interface Answer {
  readonly headers: IncomingHttpHeaders;
  /** Those that came last; of an answer of headers alone, the headers. */
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly resetCode: number | undefined;
}

export interface RawClient {
  readonly session: ClientHttp2Session;
  /** Sends a request as it stands: the headers of a gRPC call, changed by these, and the body's pieces, one a frame. */
  request(path: string, body: readonly Uint8Array[], headers?: OutgoingHttpHeaders): Promise<Answer>;
  close(): void;
}

/** A client that knows HTTP/2 and nothing of gRPC. */
export function rawClient(address: string): RawClient {
  const session = connect(`http://${address}`);
  session.on("error", () => {});
  return {
    session,
    async request(path, body, headers = {}) {
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
        ...headers,
      });
      stream.on("error", () => {});
      const answer = { headers: {}, trailers: {} } as { headers: IncomingHttpHeaders; trailers: IncomingHttpHeaders };
      stream.on("response", (received) => {
        answer.headers = received;
        answer.trailers = received;
      });
      stream.on("trailers", (received) => {
        answer.trailers = received;
      });
      const received: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => received.push(chunk));
      for (const piece of body) await new Promise((written) => stream.write(piece, written));
      stream.end();
      if (!stream.closed) await once(stream, "close");
      return { ...answer, body: Buffer.concat(received), resetCode: stream.rstCode };
    },
    close: () => session.destroy(),
  };
}

export interface RawServer {
  readonly address: string;
  /** The connection that was made last. */
  readonly session: ServerHttp2Session;
  close(): void;
}

/** A server that knows HTTP/2 and nothing of gRPC. */
export async function rawServer(answer: (stream: ServerHttp2Stream, path: string) => void): Promise<RawServer> {
  const server = createServer();
  const sessions: ServerHttp2Session[] = [];
  server.on("session", (session) => sessions.push(session.on("error", () => {})));
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    answer(stream, headers[":path"] ?? "");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get session() {
      return sessions.at(-1) as ServerHttp2Session;
    },
    close() {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}

/** A message as gRPC frames it. */
export function framed(message: Uint8Array, compressed = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
