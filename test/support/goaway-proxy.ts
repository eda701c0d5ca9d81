import { once } from "node:events";
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";

/** A proxy of gRPC that ends each connection politely, with GOAWAY, once it has taken so many calls. */
export interface GoawayProxy {
  readonly address: string;
  /** How many connections it has sent away. */
  readonly sentAway: number;
  close(): Promise<void>;
}

/** As nginx does with `keepalive_requests`. `target` gives the `host:port` for each connection. */
export async function createGoawayProxy(target: () => string, calls: number): Promise<GoawayProxy> {
  const sessions = new Set<ServerHttp2Session | ClientHttp2Session>();
  const keep = (session: ServerHttp2Session | ClientHttp2Session) => {
    sessions.add(session);
    session.on("error", () => {});
    session.once("close", () => sessions.delete(session));
  };
  let sentAway = 0;
  const server = createServer();
  server.on("session", (session) => {
    const upstream = connect(`http://${target()}`);
    keep(session);
    keep(upstream);
    session.once("close", () => upstream.close());
    let taken = 0;
    session.on("stream", (stream, headers) => {
      forward(stream, upstream.request(headers));
      taken++;
      if (taken !== calls) return;
      sentAway++;
      session.close();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get sentAway() {
      return sentAway;
    },
    async close() {
      server.close();
      for (const session of sessions) session.destroy();
      await once(server, "close");
    },
  };
}

function forward(from: ServerHttp2Stream, to: ReturnType<ClientHttp2Session["request"]>): void {
  from.on("error", () => {}).once("close", () => to.close(from.rstCode));
  to.on("error", () => from.close(to.rstCode));
  from.pipe(to);
  to.once("response", (headers) => {
    from.respond(headers, { waitForTrailers: true });
    to.pipe(from);
  });
  let trailers = {};
  to.once("trailers", (last) => {
    trailers = last;
  });
  from.once("wantTrailers", () => from.sendTrailers(trailers));
}
