import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { Code } from "../core/code.ts";
import { formatAddress } from "../core/endpoint.ts";
import { silent } from "../core/logger.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { ListenOptions } from "../core/transport.ts";
import { type SocketAddress, socketAddress } from "./address.ts";
import { connectReason } from "./connect-reason.ts";
import { createDoor } from "./door.ts";
import { seldom } from "./seldom.ts";
import { removeStaleSocket } from "./stale-socket.ts";
import { serverTlsOptions } from "./tls.ts";

/** Milliseconds of silence until the system asks whether the other machine is still there. */
const tcpKeepaliveMs = 60_000;

/** A scanner of ports, or a client with the wrong certificate, tries for ever: one warning in so many milliseconds. */
const warnEveryMs = 10_000;

/** A bound port, and the connections that were accepted on it. */
export interface Port {
  /** With the port that the system chose where 0 was asked for. */
  readonly address: string;
  readonly sockets: ReadonlySet<Socket>;
  /** Accepts no more connections and frees the port; those that are open stay. */
  stop(): void;
  /** Resolves once it is stopped and every connection is closed. */
  readonly closed: Promise<void>;
}

/**
 * Binds a port and hands over each connection, after the TLS handshake where there is one.
 * @throws RpcError UNAVAILABLE that names the address and why it cannot be bound
 */
export async function bind(
  address: string,
  options: Pick<ListenOptions, "tls" | "maxConnections" | "maxConnectionsPerAddress" | "logger">,
  accept: (socket: Socket) => void,
): Promise<Port> {
  const { tls, logger = silent } = options;
  const refuse = createDoor(options);
  const to = socketAddress(address);
  const sockets = new Set<Socket>();
  const connected = (socket: Socket | TLSSocket): void => {
    socket.on("error", (error) => logger.debug({ address, reason: error.message }, "connection broke"));
    socket.setNoDelay(true);
    // A client whose machine has died says nothing: the system asks for it.
    socket.setKeepAlive(true, tcpKeepaliveMs);
    accept(socket);
  };
  const warnRefused = seldom(warnEveryMs, (fields) => logger.warn(fields, "a connection is refused"));
  const server = tls === undefined ? createServer() : createTlsServer(serverTlsOptions(tls), connected);
  server.on("connection", (socket: Socket) => {
    const reason = refuse(socket);
    if (reason !== undefined) {
      socket.on("error", () => {});
      socket.destroy();
      warnRefused({ address, reason });
      return;
    }
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    if (tls === undefined) connected(socket);
  });
  const warn = seldom(warnEveryMs, (fields) => logger.warn(fields, "TLS handshake failed"));
  server.on("tlsClientError", (error: Error) => {
    const fields = { address, reason: connectReason(error) };
    if (!warn(fields)) logger.debug(fields, "TLS handshake failed");
  });
  await listeningAt(server, to).catch((cause) => {
    const why = `cannot listen on ${address}: ${connectReason(cause)}`;
    throw new RpcError(Code.UNAVAILABLE, why, { cause, unprocessed: true });
  });
  server.on("error", (error) => logger.warn({ address, reason: error.message }, "accepting a connection failed"));

  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  return {
    address: "path" in to ? address : formatAddress(to.host, port),
    sockets,
    stop: () => void server.close(() => resolve()),
    closed,
  };
}

/** A socket that a killed process has left behind does not stand in the way. */
async function listeningAt(server: Server, to: SocketAddress): Promise<void> {
  try {
    await listening(server, to);
  } catch (error) {
    const inUse = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
    if (!inUse || !("path" in to) || !(await removeStaleSocket(to.path))) throw error;
    await listening(server, to);
  }
}

function listening(server: Server, to: object): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ ...to }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
