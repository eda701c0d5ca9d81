import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { Server, ServerCredentials, ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import { isBuiltIn } from "../../core/built-in.ts";
import type { Caller } from "../../core/call.ts";
import { Code } from "../../core/code.ts";
import { RpcError } from "../../core/rpc-error.ts";
import type { Acceptor, Listener, ListenOptions } from "../../core/transport.ts";
import { remoteAddress } from "../address.ts";
import { bind } from "../bind.ts";
import { DEFAULT_MAX_RECEIVE_BYTES } from "../message.ts";
import type { ServerCall } from "../server-call.ts";
import { callerTls } from "../tls.ts";
import { answer, answerUnknown } from "./answering.ts";
import { pingAfter, stopServerPings, timerMs } from "./pings.ts";

/** How long `close()` waits for clients to take the last statuses, in milliseconds, before it cuts connections. */
const partingMs = 1000;

const never = Number.POSITIVE_INFINITY;

/** What is known of a connection. */
interface Connection {
  readonly caller: Caller;
  readonly calls: Set<ServerCall>;
  /** The server goes away, and the client has something to take before it is gone. */
  parting: boolean;
}

const CONNECTION = Symbol("connection");
type Known = Socket & { [CONNECTION]?: Connection };

/**
 * A listener over grpc-js. The port is bound here and grpc-js is handed each connection: so the caller's certificate,
 * the number of connections and the end of each are in our hands.
 */
export async function listenGrpcJs(address: string, acceptor: Acceptor, options: ListenOptions): Promise<Listener> {
  const connections = new Set<Connection>();
  /** Of connections that grpc-js does not show. */
  const strays = new Set<ServerCall>();
  const gone = new RpcError(Code.UNAVAILABLE, "the server is shutting down");
  const server = new Server(serverOptions(options, interceptor));
  answerEveryPath(server);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  let closing: Promise<void> | undefined;
  let draining = false;

  const port = await bind(address, options, (socket) => {
    const connection = { caller: callerOf(socket), calls: new Set<ServerCall>(), parting: false };
    (socket as Known)[CONNECTION] = connection;
    connections.add(connection);
    socket.once("close", () => connections.delete(connection));
    injector.injectConnection(socket);
  });

  function interceptor(
    { path }: Parameters<ServerInterceptor>[0],
    call: Parameters<ServerInterceptor>[1],
  ): ServerInterceptingCall {
    const method = acceptor.method(path);
    const connection = connectionOf(call);
    const { caller, calls } = connection ?? { caller: callerAt(call), calls: strays };
    if (draining && connection !== undefined && method !== undefined && isUsers({ method })) connection.parting = true;
    const start = (): void => {
      if (method === undefined) answerUnknown(call, acceptor.unknown(path));
      else answer(call, { acceptor, method, caller, limits: options, calls });
    };
    // grpc-js's own handling of the call never starts: `next` is not called.
    return new ServerInterceptingCall(call, { start });
  }

  function drain(): void {
    if (draining) return;
    draining = true;
    for (const connection of connections) connection.parting = [...connection.calls].some(isUsers);
    port.stop();
    stopServerPings(server);
    // Tells each client to go. The time after which grpc-js would cut what is left is as far away as a timer reaches.
    injector.drain(0x7fff_ffff);
  }

  function end(which: (call: ServerCall) => boolean): void {
    const calls = [...strays, ...[...connections].flatMap(({ calls }) => [...calls])];
    for (const call of calls) if (which(call)) call.abort(gone);
  }

  async function shut(): Promise<void> {
    end(() => true);
    drain();
    const cut = setTimeout(() => {
      for (const socket of port.sockets) socket.destroy();
    }, partingMs);
    await port.closed;
    clearTimeout(cut);
    injector.destroy();
    server.forceShutdown();
  }

  return {
    address: port.address,
    get inflight() {
      let inflight = strays.size;
      // grpc-js ends a connection after its last answer: it is closed once the client has read to there.
      for (const { calls, parting } of connections) inflight += calls.size > 0 || !parting ? calls.size : 1;
      return inflight;
    },
    drain,
    end: (which) => end(({ method }) => which(method)),
    close() {
      closing ??= shut();
      return closing;
    },
  };
}

/** Health and reflection hold no close up, whatever their clients do. */
function isUsers({ method }: Pick<ServerCall, "method">): boolean {
  return !isBuiltIn(method);
}

/**
 * A connection stands at its socket, and nowhere else: an address is shared, on a Unix socket by everybody. grpc-js does
 * not hand the socket out; where it stands elsewhere, the caller is one without a name.
 */
function connectionOf(call: Parameters<ServerInterceptor>[1]): Connection | undefined {
  const { stream } = call as unknown as { stream?: { session?: { socket?: Known } } };
  return stream?.session?.socket?.[CONNECTION];
}

function callerAt(call: Parameters<ServerInterceptor>[1]): Caller {
  const { remoteAddress: host, remotePort } = call.getConnectionInfo();
  return { address: remoteAddress(host, remotePort) };
}

function callerOf(socket: Socket): Caller {
  const address = remoteAddress(socket.remoteAddress, socket.remotePort);
  const tls = socket instanceof TLSSocket ? callerTls(socket) : undefined;
  return tls === undefined ? { address } : { address, tls };
}

/**
 * grpc-js looks a handler up in a table of paths. Ours names one for every path, so that methods can come and go, and
 * the acceptor words what is unknown.
 */
function answerEveryPath(server: Server): void {
  const table = (server as unknown as { handlers?: unknown }).handlers;
  if (!(table instanceof Map))
    throw new Error("this version of @grpc/grpc-js keeps its handlers elsewhere: use ~1.14.7");
  const identity = (bytes: Buffer): Buffer => bytes;
  table.get = (path: string) => ({ path, type: "bidi", func() {}, serialize: identity, deserialize: identity });
}

function serverOptions(options: ListenOptions, interceptor: ServerInterceptor) {
  const { maxConcurrentStreams = 1000, keepaliveMs, keepaliveTimeoutMs } = options;
  const { maxConnectionAgeMs: ageMs = never, maxConnectionAgeGraceMs: graceMs = never } = options;
  return {
    interceptors: [interceptor],
    "grpc.enable_channelz": 0,
    "grpc.max_concurrent_streams": maxConcurrentStreams,
    "grpc.max_receive_message_length": options.maxReceiveMessageBytes ?? DEFAULT_MAX_RECEIVE_BYTES,
    "grpc.max_send_message_length": -1,
    // With its jitter an age must not be longer than a timer can wait.
    "grpc.max_connection_age_ms": ageMs > 2 ** 30 ? timerMs(never) : ageMs,
    "grpc.max_connection_age_grace_ms": timerMs(graceMs),
    "grpc.max_connection_idle_ms": timerMs(options.maxConnectionIdleMs ?? never),
    ...(keepaliveMs !== undefined && { "grpc.keepalive_time_ms": pingAfter(keepaliveMs) }),
    ...(keepaliveTimeoutMs !== undefined && { "grpc.keepalive_timeout_ms": timerMs(keepaliveTimeoutMs) }),
  };
}
