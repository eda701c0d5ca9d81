import { once } from "node:events";
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";

/** A server of gRPC that echoes, and whose connections do not last. */
export interface ShortServer {
  readonly address: string;
  /** How many there were. */
  readonly connections: number;
  close(): Promise<void>;
}

export interface ShortServerOptions {
  /** Calls that a connection takes before the server goes away politely; none: it closes what it accepts. */
  readonly calls?: number;
  /** Milliseconds until the server goes away politely. */
  readonly ageMs?: number;
}

export async function createShortServer({ calls, ageMs }: ShortServerOptions): Promise<ShortServer> {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  let connections = 0;
  server.on("session", (session) => {
    connections++;
    sessions.add(session);
    session.on("error", () => {});
    session.once("close", () => sessions.delete(session));
    if (calls === 0) session.once("remoteSettings", () => session.destroy());
    if (ageMs !== undefined) {
      const age = setTimeout(() => session.close(), ageMs);
      session.once("close", () => clearTimeout(age));
    }
    let taken = 0;
    session.on("stream", (stream) => {
      echo(stream);
      taken++;
      // It says which stream was the last, closes once that is answered, and looks at no other.
      if (taken === calls) session.close();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections;
    },
    async close() {
      server.close();
      for (const session of sessions) session.destroy();
      await once(server, "close");
    },
  };
}

function echo(stream: ServerHttp2Stream): void {
  stream.on("error", () => {});
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.pipe(stream);
}
