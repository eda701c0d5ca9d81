import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from "node:tls";
import { Code } from "../core/code.ts";
import { now } from "../core/deadline.ts";
import { formatAddress } from "../core/endpoint.ts";
import { factsOf } from "../core/facts.ts";
import { heldTls } from "../core/held-tls.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { ListenOptions, ServerTls } from "../core/transport.ts";
import { remoteAddress, type SocketAddress, socketAddress } from "./address.ts";
import { watchDescriptors } from "./descriptors.ts";
import { createDoor } from "./door.ts";
import { handshakeReason } from "./handshake-reason.ts";
import { ErrorCode } from "./http2/frame.ts";
import { listenReason } from "./listen-reason.ts";
import { removeStaleSocket } from "./stale-socket.ts";
import { serverTlsOptions } from "./tls.ts";
import { createTurnAway } from "./turn-away.ts";
import { untrusted } from "./untrusted.ts";

/** Milliseconds of silence until the system asks whether the other machine is still there. */
const tcpKeepaliveMs = 60_000;

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
  extends Pick<ListenOptions, "tls" | "maxConnections" | "maxConnectionsPerAddress" | "logger" | "facts"> {
  /** Milliseconds that a client has for its TLS handshake; 10,000 by default. */
  readonly handshakeTimeoutMs?: number | undefined;
  /** The protocols that a client may choose from by ALPN; `h2` alone by default. */
  readonly alpn?: readonly string[] | undefined;
}

/** Takes a connection over. May return what says, once it is closed, why. */
export type Accept = (socket: Socket) => (() => string | undefined) | void;

/**
 * Binds a port and hands over each connection, after the TLS handshake where there is one.
 * @throws RpcError UNAVAILABLE that names the address and why it cannot be bound
 */
export async function bind(address: string, options: BindOptions, accept: Accept): Promise<Port> {
  const { handshakeTimeoutMs, alpn } = options;
  const facts = factsOf(options);
  const heldOf = options.tls && heldTls(options.tls, "server", facts);
  let tls = heldOf?.();
  const refuse = createDoor(options);
  const turnAway = createTurnAway();
  const to = socketAddress(address);
  const sockets = new Set<Socket>();
  let at = address;
  const connected = (socket: Socket | TLSSocket): void => {
    const peer = peerOf(socket);
    socket.on("error", ({ message: reason }) => facts.on["connection-broke"]?.({ address: at, peer, reason }));
    socket.setNoDelay(true);
    // A client whose machine has died says nothing: the system asks for it.
    socket.setKeepAlive(true, tcpKeepaliveMs);
    const openedAtMs = now();
    facts.on["connection-opened"]?.({ side: "server", address: at, peer });
    const whyClosed = accept(socket);
    socket.once("close", () => {
      const { bytesRead: bytesReceived, bytesWritten: bytesSent } = socket;
      const reason = whyClosed?.() ?? "it was closed";
      const tell = facts.on["connection-closed"];
      tell?.({ side: "server", address: at, peer, reason, heldMs: now() - openedAtMs, bytesReceived, bytesSent });
    });
  };
  const handshakeFailed = (socket: Socket, reason: string): void => {
    facts.on["handshake-failed"]?.({ address: at, peer: peerOf(socket), reason });
  };
  const secured = (socket: TLSSocket): void => {
    const reason = untrusted(tls as ServerTls, socket);
    if (reason === undefined) connected(socket);
    else {
      handshakeFailed(socket, reason);
      socket.on("error", () => {});
      turnAway(socket, reason, ErrorCode.INADEQUATE_SECURITY);
    }
  };
  /** A context of its own has keys of its own for sessions: none that began with another is resumed. */
  const takeUp = (server: TlsServer, latest: ServerTls): void => {
    if (latest === tls) return;
    tls = latest;
    server.setSecureContext(serverTlsOptions(latest, handshakeTimeoutMs, alpn));
  };
  const server =
    tls === undefined ? createServer() : createTlsServer(serverTlsOptions(tls, handshakeTimeoutMs, alpn), secured);
  // Before Node begins the handshake of a connection.
  if (heldOf !== undefined) server.prependListener("connection", () => takeUp(server as TlsServer, heldOf()));
  server.on("connection", (socket: Socket) => {
    const peer = peerOf(socket);
    const reason = refuse(socket);
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    if (reason !== undefined) {
      socket.on("error", () => {});
      if (tls === undefined) turnAway(socket, reason, ErrorCode.ENHANCE_YOUR_CALM);
      else socket.destroy();
      facts.on["connection-refused"]?.({ address: at, peer, reason });
      return;
    }
    if (tls === undefined) connected(socket);
  });
  server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
    // Node ends a socket whose handshake failed, and leaves one open whose handshake only takes too long.
    if ((error as NodeJS.ErrnoException).code === "ERR_TLS_HANDSHAKE_TIMEOUT") socket.destroy();
    handshakeFailed(socket, handshakeReason(error));
  });
  await listeningAt(server, to).catch((cause) => {
    const why = `cannot listen on ${address}: ${listenReason(cause, to)}`;
    throw new RpcError(Code.UNAVAILABLE, why, { cause, unprocessed: true });
  });
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  at = "path" in to ? address : formatAddress(to.host, port);
  server.on("error", ({ message: reason }) => facts.on["accept-failed"]?.({ address: at, reason }));

  const stopWatching = watchDescriptors(at, facts);
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  return {
    address: at,
    sockets,
    stop() {
      stopWatching();
      server.close(() => resolve());
    },
    closed,
  };
}

function peerOf(socket: Socket): string {
  const { remoteAddress: host, remotePort } = known(socket);
  return remoteAddress(host, remotePort);
}

/** A TLS socket whose handshake failed knows no address any more; the socket under it, which was asked before, does. */
function known(socket: Socket): Socket {
  const { _parent: under } = socket as { _parent?: Socket };
  return socket.remoteAddress === undefined ? (under ?? socket) : socket;
}

/** A socket that a killed process has left behind does not stand in the way. */
async function listeningAt(server: Server, to: SocketAddress): Promise<void> {
  try {
    await listening(server, to);
  } catch (error) {
    const inUse = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
    // An abstract one leaves nothing behind.
    const isFile = "path" in to && !to.path.startsWith("\0");
    if (!inUse || !isFile || !(await removeStaleSocket(to.path))) throw error;
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
