import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { factsOf } from "../../core/facts.ts";
import type { Acceptor, Listener, ListenOptions } from "../../core/transport.ts";
import { remoteAddress } from "../address.ts";
import { bind } from "../bind.ts";
import { DEFAULT_MAX_RECEIVE_BYTES } from "../message.ts";
import { DEFAULT_MAX_METADATA_BYTES } from "../metadata-size.ts";
import type { TimerWheel } from "../timer-wheel.ts";
import { callerTls } from "../tls.ts";
import { evictionLog } from "./eviction-log.ts";
import type { Speech } from "./first-words.ts";
import { Lifetime } from "./lifetime.ts";
import type { Limits } from "./limits.ts";
import { ServerConnection } from "./server-connection.ts";
import type { ServerStream } from "./server-stream.ts";
import { Watch } from "./watch.ts";

/** How long `close()` waits for clients to take the last statuses, in milliseconds, before it cuts connections. */
const PARTING_MS = 1000;

const strangeness: Readonly<Record<Speech, string>> = {
  "HTTP/2": "it did not ask for HTTP/2 over TLS (ALPN h2)",
  "HTTP/1": "it speaks HTTP/1.1: a probe of health, say, that should use grpc.health.v1.Health",
  TLS: "it speaks TLS, and this server does not: give createServer tls, or the client none",
  "something else": "what it says is no HTTP/2",
};

/** @throws RpcError UNAVAILABLE that names the address, where it cannot be bound */
export async function listen(
  address: string,
  acceptor: Acceptor,
  options: ListenOptions,
  limits: Limits,
  wheel: TimerWheel,
): Promise<Listener> {
  const { maxConcurrentStreams = 1000, compression = "identity" } = options;
  const facts = factsOf(options);
  const { keepaliveMs = 60_000, keepaliveTimeoutMs = 10_000 } = options;
  const {
    maxConnectionAgeMs: maxAgeMs = Number.POSITIVE_INFINITY,
    maxConnectionAgeGraceMs: graceMs = Number.POSITIVE_INFINITY,
    maxConnectionIdleMs: maxIdleMs = Number.POSITIVE_INFINITY,
  } = options;
  const endless = Math.min(maxAgeMs, maxIdleMs) === Number.POSITIVE_INFINITY;
  const connections = new Set<ServerConnection>();
  let draining = false;
  let closing = false;

  function accept(socket: Socket): (() => string | undefined) | undefined {
    if (closing) {
      socket.destroy();
      return undefined;
    }
    let closedFor: string | undefined;
    const peerAddress = remoteAddress(socket.remoteAddress, socket.remotePort);
    const tls = socket instanceof TLSSocket ? callerTls(socket) : undefined;
    const connection = new ServerConnection(socket, {
      acceptor,
      caller: tls === undefined ? { address: peerAddress } : { address: peerAddress, tls },
      limits,
      wheel,
      maxConcurrentStreams,
      compression,
      acceptCompression: options.acceptCompression ?? true,
      maxMetadataBytes: options.maxMetadataBytes ?? DEFAULT_MAX_METADATA_BYTES,
      maxReceiveMessageBytes: options.maxReceiveMessageBytes ?? DEFAULT_MAX_RECEIVE_BYTES,
      maxSendMessageBytes: options.maxSendMessageBytes,
      unasked: socket instanceof TLSSocket && socket.alpnProtocol !== "h2",
      strange: (speech) => turnedAway({ peer: peerAddress, reason: strangeness[speech] }),
      evicted,
      overran: ({ path: method }) => facts.on["handler-overran"]?.({ address: port.address, method }),
      crowded: () => facts.on["memory-crowded"]?.({ address: port.address }),
      closed: (reason) => {
        watch.stop();
        lifetime?.stop();
        closedFor = reason;
      },
    });
    const watch = new Watch(wheel, connection as never, {
      keepaliveMs,
      keepaliveTimeoutMs,
      idleKeepaliveMs: keepaliveMs,
      patient: false,
      stalled: (stream) => (stream as ServerStream).onStalled(),
    });
    const lifetime = endless
      ? undefined
      : new Lifetime(wheel, connection, { maxAgeMs, graceMs, maxIdleMs, random: Math.random });
    connections.add(connection);
    socket.on("data", (bytes: Buffer) => connection.receive(bytes, bytes.length));
    socket.on("error", (error) => connection.destroy(error.message));
    // One that has had its last word may have closed its half: the word is still to be sent.
    socket.once("end", () => connection.deaf || connection.destroy("the client closed it"));
    socket.once("close", () => {
      connections.delete(connection);
      connection.destroy("it was closed");
    });
    if (draining) connection.drain();
    return () => closedFor;
  }

  const port = await bind(
    address,
    { ...options, handshakeTimeoutMs: limits.handshakeTimeoutMs, alpn: ["h2", "http/1.1"] },
    accept,
  );
  const evicted = evictionLog(port.address, facts);
  const turnedAway = (fields: { readonly peer: string; readonly reason: string }): void =>
    facts.on["client-turned-away"]?.({ address: port.address, ...fields });

  function drain(): void {
    if (draining) return;
    draining = true;
    port.stop();
    for (const connection of connections) connection.drain();
  }

  return {
    address: port.address,
    get inflight() {
      let count = 0;
      for (const { inflight } of connections) count += inflight;
      return count;
    },
    drain,
    end(which) {
      for (const connection of connections) connection.end(which);
    },
    async close() {
      closing = true;
      drain();
      for (const connection of connections) connection.shut();
      // What has no connection yet is still shaking hands; what has one may be slow to take the last statuses.
      const cut = setTimeout(() => {
        for (const socket of port.sockets) socket.destroy();
      }, PARTING_MS);
      if (connections.size === 0) for (const socket of port.sockets) socket.destroy();
      await port.closed;
      clearTimeout(cut);
    },
  };
}
