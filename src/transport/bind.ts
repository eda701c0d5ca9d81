import { existsSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { Code } from "../core/code.ts";
import { formatAddress } from "../core/endpoint.ts";
import { silent } from "../core/logger.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { ListenOptions } from "../core/transport.ts";
import { remoteAddress, type SocketAddress, socketAddress } from "./address.ts";
import { connectReason, handshakeReason } from "./connect-reason.ts";
import { createDoor } from "./door.ts";
import { seldom } from "./seldom.ts";
import { removeStaleSocket } from "./stale-socket.ts";
import { serverTlsOptions } from "./tls.ts";
import { createTurnAway } from "./turn-away.ts";

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

export interface BindOptions
  extends Pick<ListenOptions, "tls" | "maxConnections" | "maxConnectionsPerAddress" | "logger"> {
  /** Milliseconds that a client has for its TLS handshake; 10,000 by default. */
  readonly handshakeTimeoutMs?: number | undefined;
}

/**
 * Binds a port and hands over each connection, after the TLS handshake where there is one.
 * @throws RpcError UNAVAILABLE that names the address and why it cannot be bound
 */
export async function bind(address: string, options: BindOptions, accept: (socket: Socket) => void): Promise<Port> {
  const { tls, handshakeTimeoutMs, logger = silent } = options;
  const refuse = createDoor(options);
  const turnAway = createTurnAway();
  const to = socketAddress(address);
  const sockets = new Set<Socket>();
  let at = address;
  const connected = (socket: Socket | TLSSocket): void => {
    const peer = peerOf(socket);
    socket.on("error", (error) => logger.debug({ address: at, peer, reason: error.message }, "connection broke"));
    socket.setNoDelay(true);
    // A client whose machine has died says nothing: the system asks for it.
    socket.setKeepAlive(true, tcpKeepaliveMs);
    accept(socket);
  };
  const warnRefused = seldom(warnEveryMs, (fields) => logger.warn(fields, "a connection is refused"));
  const server =
    tls === undefined ? createServer() : createTlsServer(serverTlsOptions(tls, handshakeTimeoutMs), connected);
  server.on("connection", (socket: Socket) => {
    const peer = peerOf(socket);
    const reason = refuse(socket);
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    if (reason !== undefined) {
      socket.on("error", () => {});
      if (tls === undefined) turnAway(socket, reason);
      else socket.destroy();
      warnRefused({ address: at, peer, reason });
      return;
    }
    if (tls === undefined) connected(socket);
  });
  const warn = seldom(warnEveryMs, (fields) => logger.warn(fields, "TLS handshake failed"));
  server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
    const fields = { address: at, peer: peerOf(socket), reason: handshakeReason(error) };
    // Node ends a socket whose handshake failed, and leaves one open whose handshake only takes too long.
    if ((error as NodeJS.ErrnoException).code === "ERR_TLS_HANDSHAKE_TIMEOUT") socket.destroy();
    if (!warn(fields)) logger.debug(fields, "TLS handshake failed");
  });
  await listeningAt(server, to).catch((cause) => {
    const why = `cannot listen on ${address}: ${listenReason(cause, to)}`;
    throw new RpcError(Code.UNAVAILABLE, why, { cause, unprocessed: true });
  });
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  at = "path" in to ? address : formatAddress(to.host, port);
  server.on("error", (error) => logger.warn({ address: at, reason: error.message }, "accepting a connection failed"));

  const { promise: closed, resolve } = Promise.withResolvers<void>();
  return {
    address: at,
    sockets,
    stop: () => void server.close(() => resolve()),
    closed,
  };
}

/** A TLS socket whose handshake failed knows no address any more; the socket under it, which was asked before, does. */
function peerOf(socket: Socket): string {
  const { _parent: under } = socket as { _parent?: Socket };
  const { remoteAddress: host, remotePort } = socket.remoteAddress === undefined ? (under ?? socket) : socket;
  return remoteAddress(host, remotePort);
}

/** The system says of a Unix socket what it says of a port, and that one may not where there is no such folder. */
function listenReason(cause: NodeJS.ErrnoException, to: SocketAddress): string {
  if (!("path" in to)) return connectReason(cause);
  const folder = dirname(to.path);
  if (!existsSync(folder)) return `there is no folder ${folder}`;
  return cause.code === "EADDRINUSE" ? "the path is in use (EADDRINUSE)" : connectReason(cause);
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
