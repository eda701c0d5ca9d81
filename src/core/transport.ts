import type { Call, Handler, Reply } from "./call.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Facts } from "./facts.ts";
import type { Logger } from "./logger.ts";
import type { Method } from "./method.ts";

/**
 * Where a peer stands.
 * - `connecting`: nothing says yet that it cannot be reached: the first try, or the first one after a connection was lost.
 * - `ready`: connected, its circuit closed (or half-open with its probe still free).
 * - `silent`: connected, but a ping has not been answered for a quarter of `keepaliveTimeoutMs`. Anything that comes from
 *   it makes it `ready` again; where nothing does, its connection is broken at last. A call may be sent to it.
 * - `failed`: the last try at a connection failed. It stays so, tried again in the background, until one succeeds. Or it
 *   is connected, and its own health service says that it does not serve.
 * - `ejected`: connected, but its circuit is open.
 * - `unserved`: connected, but its server says that it has no such service: the address is another's now.
 * - `closed`: `close()` was called.
 */
export type PeerState = "connecting" | "ready" | "silent" | "failed" | "ejected" | "unserved" | "closed";

/** One server, and the way to it. */
export interface Peer {
  /** A plain, writable field: the pool replaces it when the server's registration changes, for balancers to read. */
  endpoint: Endpoint;
  readonly state: PeerState;
  /** `state` is `ready`. False while calls should go elsewhere. */
  readonly ready: boolean;
  /** True where it is ready for one call only, which shows whether it is well again: its circuit is half-open. */
  readonly onTrial?: boolean;
  /** Calls under way, streams that are still open counted. */
  readonly inflight: number;
  /** Why it is not ready, in a few words for an error message: `connection refused`, `circuit open`. */
  readonly reason: string | undefined;
  /** True where it is not connected for what lies on this side: a name, a route, a lack of descriptors or ports. */
  readonly failedHere?: boolean;
  /**
   * Makes one attempt at this peer. While it is not connected a call waits for the connection, for as long as its
   * deadline and `connectTimeoutMs` allow.
   */
  readonly handle: Handler;
  /**
   * Asks for a sign of life now, where the wire can. A connection that gives none within `keepaliveTimeoutMs` is broken;
   * one that is away, and would be tried again later, is tried at once.
   */
  probe?(): void;
  /** A call wants it, and there is no other: has an open circuit let a call through sooner than it would. */
  hurry?(): void;
  /**
   * Lets calls in flight finish, then disconnects; after `timeoutMs` it disconnects all the same, never by default. New
   * calls are refused at once as unprocessed. A second call may set the time that the first left open.
   */
  close(timeoutMs?: number): Promise<void>;
}

/** What a client trusts and what it shows. TLS 1.2 is the least; the server's name is verified. */
export interface ClientTls {
  /** Authorities to trust, in PEM; the system's by default. */
  readonly ca?: string | Uint8Array | undefined;
  /** The client's own certificate and key in PEM, for mutual TLS. */
  readonly cert?: string | Uint8Array | undefined;
  readonly key?: string | Uint8Array | undefined;
  /** Opens `key`, where it is encrypted. */
  readonly passphrase?: string | undefined;
  /** The name to verify in the server's certificate, where it is not the address's host. */
  readonly serverName?: string | undefined;
  /**
   * Whom the certificate of the one server at an endpoint must name besides, letter by letter among its alternative names:
   * a DNS name, or a URI such as `spiffe://example/greeter/7`; `undefined` where nobody in particular. It is asked at each
   * connection, and keeps calls from another instance at an address that was given out again. What it takes from a
   * registry's metadata can only narrow whom `serverName` lets in: give both.
   */
  readonly identityOf?: ((endpoint: Endpoint) => string | undefined) | undefined;
}

/** What a server shows, and whether it asks clients for a certificate. */
export interface ServerTls {
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
  /** Opens `key`, where it is encrypted. */
  readonly passphrase?: string | undefined;
  /** Authorities whose client certificates are accepted. Given, every client must show one: mutual TLS. */
  readonly ca?: string | Uint8Array | undefined;
}

/**
 * What TLS is to be used, or a function that is asked for it before each connection, and each second besides; as
 * `tlsFiles()` makes one. What it gives that cannot be is not taken up: what was there before goes on being used.
 */
export type TlsSource<T extends ClientTls | ServerTls> = T | (() => T);

export type Compression = "identity" | "gzip" | "deflate";

/** Limits that hold for either side. */
export interface MessageLimits {
  /**
   * The largest message to accept, in bytes after decompression; 4 MiB by default, any with -1. Over it:
   * RESOURCE_EXHAUSTED.
   */
  readonly maxReceiveMessageBytes?: number | undefined;
  /** The largest message to send, in bytes; no limit by default. */
  readonly maxSendMessageBytes?: number | undefined;
  /** The largest metadata to accept, in bytes as HTTP/2 counts them; 16 KiB by default. */
  readonly maxMetadataBytes?: number | undefined;
}

export interface ConnectOptions extends MessageLimits {
  /** Certificates in PEM; `{}` for TLS with the machine's authorities, plaintext by default. */
  readonly tls?: TlsSource<ClientTls> | undefined;
  /** Milliseconds until a connection that does not come about is given up; 5,000 by default. */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * Milliseconds of silence, while calls are in flight, until a ping asks whether the peer lives; 2,000 by default, and
   * rarer while pings are all that is answered. The first asks after a quarter of it, so that others are called while
   * this one is `silent`. By grpc-js 10,000, always, and no peer is ever `silent`.
   */
  readonly keepaliveMs?: number | undefined;
  /** Milliseconds until a ping that is not answered breaks the connection; 2,000 by default. */
  readonly keepaliveTimeoutMs?: number | undefined;
  /**
   * Pings also while no call is under way: after `keepaliveMs` of silence, or 10,000 where that is not given. False by
   * default: gRPC servers hang up on clients that do so more often than they permit (every 5 minutes, by default).
   */
  readonly keepaliveWithoutCalls?: boolean | undefined;
  /**
   * Milliseconds without a call after which a connection may have died without a word, as where a NAT forgot it: the
   * next call is sent once a ping has been answered. Where none is within 500 ms, or three times what connecting took
   * if that is more, it is sent on a new connection. 10,000 by default, never with `Infinity`.
   */
  readonly confirmIdleMs?: number | undefined;
  /** How requests are compressed; `identity` by default. */
  readonly compression?: Compression | undefined;
  /** What calls say in the header `user-agent`; `trunkline` by default, before grpc-js's own over that. */
  readonly userAgent?: string | undefined;
  readonly logger?: Logger | undefined;
  /** Who is told of what happens to connections, in place of `logger`. */
  readonly facts?: Facts | undefined;
  /** Called whenever `state` has changed. */
  readonly changed?: (() => void) | undefined;
}

/**
 * What a server does with calls. `method` finds what a path names, so that the listener can decode. `handle` answers,
 * at once where it can: a synchronous handler costs no promise. What it throws or rejects with is an `RpcError`.
 */
export interface Acceptor {
  method(path: string): Method | undefined;
  handle(call: Call): Reply | Promise<Reply>;
  /** The status for a path that names no method: UNIMPLEMENTED, saying whether the service or the method is missing. */
  unknown(path: string): Error;
}

export interface ListenOptions extends MessageLimits {
  /** The server's certificate and key in PEM; plaintext by default. */
  readonly tls?: TlsSource<ServerTls> | undefined;
  /**
   * Streams a client may have open on one connection; 1,000 by default. One whose handler goes on though its call is over
   * counts for a second more; by grpc-js it does not.
   */
  readonly maxConcurrentStreams?: number | undefined;
  /**
   * Connections in all; 10,000 by default. One more is refused, and so is one that would leave the process fewer
   * than 64 file descriptors.
   */
  readonly maxConnections?: number | undefined;
  /**
   * Connections of one address, or of one IPv6 network of 64 bits; by default half of `maxConnections`, or of the file
   * descriptors there may be where those are fewer, and no limit for this machine's own.
   */
  readonly maxConnectionsPerAddress?: number | undefined;
  /**
   * Milliseconds that a connection may be, by chance up to a tenth more or less; then its client is told to open
   * another, and no call is lost. For ever by default, and always in memory. By grpc-js not together with `keepaliveMs`.
   */
  readonly maxConnectionAgeMs?: number | undefined;
  /**
   * Milliseconds that the calls of such a connection then have to finish; what is left ends with UNAVAILABLE. For ever by
   * default.
   */
  readonly maxConnectionAgeGraceMs?: number | undefined;
  /**
   * Milliseconds without a call, pings not counted, after which a connection's client is told to go. One that balances, as
   * Trunkline's do, connects again at once. For ever by default, and always in memory.
   */
  readonly maxConnectionIdleMs?: number | undefined;
  /**
   * False refuses compressed requests with UNIMPLEMENTED, and says that only `identity` is accepted; true by default.
   * By grpc-js always true.
   */
  readonly acceptCompression?: boolean | undefined;
  /** How replies are compressed where the client accepts it; `identity` by default. */
  readonly compression?: Compression | undefined;
  /** Milliseconds of silence until a ping asks whether a client lives; 60,000 by default, and by grpc-js no ping asks. */
  readonly keepaliveMs?: number | undefined;
  /** Milliseconds until a ping that is not answered breaks the connection; 10,000 by default, by grpc-js 20,000. */
  readonly keepaliveTimeoutMs?: number | undefined;
  readonly logger?: Logger | undefined;
  /** Who is told of what happens to connections, in place of `logger`. */
  readonly facts?: Facts | undefined;
}

/** A bound port. */
export interface Listener {
  /** What it is bound to, with the port that the system chose where 0 was asked for. */
  readonly address: string;
  /** Calls under way; over HTTP/2 a connection whose client still takes its last answer counts as one. */
  readonly inflight: number;
  /** Stops accepting connections and tells clients to go elsewhere; calls in flight go on. */
  drain(): void;
  /** Ends calls of these methods with UNAVAILABLE, however far they are; the others go on. */
  end(which: (method: Method) => boolean): void;
  /** Ends what is left with UNAVAILABLE, closes every connection and frees the port. */
  close(): Promise<void>;
}

/** A wire: the native HTTP/2, grpc-js, or in memory. */
export interface Transport {
  /** For messages: `http2`, `grpc-js`, `memory`. */
  readonly name: string;
  /** @throws TypeError where it cannot keep to limits of messages that are well for others */
  check?(limits: MessageLimits): void;
  /** Returns at once and connects in the background. */
  connect(endpoint: Endpoint, options: ConnectOptions): Peer;
  /** @throws RpcError UNAVAILABLE that names the address, where it cannot be bound */
  listen(address: string, acceptor: Acceptor, options: ListenOptions): Promise<Listener>;
}
