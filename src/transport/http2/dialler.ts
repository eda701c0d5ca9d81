import type { Call, Reply } from "../../core/call.ts";
import { now } from "../../core/deadline.ts";
import type { ClientTls, ConnectOptions } from "../../core/transport.ts";
import { connectReason } from "../connect-reason.ts";
import { closedUngreeted, isCut } from "../greeting.ts";
import { CONFIRM_IDLE_MS, patienceMs } from "../idle.ts";
import { DEFAULT_MAX_RECEIVE_BYTES } from "../message.ts";
import { DEFAULT_MAX_METADATA_BYTES } from "../metadata-size.ts";
import type { TimerWheel } from "../timer-wheel.ts";
import type { TlsSession, TlsSessions } from "../tls-sessions.ts";
import { ClientConnection } from "./client-connection.ts";
import { dial } from "./dial.ts";
import type { Limits } from "./limits.ts";
import type { RequestFields } from "./request-block.ts";
import { Watch } from "./watch.ts";

/** A server is asked for the first time when it has been silent for this part of `keepaliveMs`, to walk around it soon. */
const QUIET_PART = 0.25;
/** Silence until a server is asked though no call is under way, in milliseconds: no gRPC client asks sooner. */
const IDLE_KEEPALIVE_MS = 10_000;

/** What the connections to one server have in common. */
export interface DiallerOptions {
  readonly address: string;
  /** Whom the server's certificate must name now, where it has to be one. */
  readonly identity: () => string | undefined;
  readonly options: Omit<ConnectOptions, "tls">;
  /** What TLS is to be used now; `undefined` for none. */
  readonly tls: (() => ClientTls) | undefined;
  readonly limits: Limits;
  readonly wheel: TimerWheel;
  readonly sessions: TlsSessions;
  readonly fields: RequestFields;
  /** Called when a connection may be able to take another call. */
  readonly freed: () => void;
  /** Called when a call is over. */
  readonly over: (call: Call) => void;
  /** Called when a connection has fallen silent, or is heard again. */
  readonly silence: (connection: ClientConnection) => void;
  /** Makes a call that a connection was given, and which its server has not looked at, on another. */
  readonly elsewhere: (call: Call) => Promise<Reply>;
}

/** What a connection begins with. */
interface Handshake {
  readonly tls: ClientTls | undefined;
  readonly session: TlsSession | undefined;
  readonly identity: string | undefined;
}

export interface Dialler {
  /**
   * Opens a connection; resolves when the server has said what it allows. `lost` is called once when it takes no more
   * calls.
   */
  connect(signal: AbortSignal, lost: (reason: string) => void): Promise<ClientConnection>;
  /** Connections that are not closed yet, those that only bring their last calls to an end among them. */
  readonly open: ReadonlySet<ClientConnection>;
}

/** Opens connections to one server, and watches over each until it is closed. */
export function createDialler(common: DiallerOptions): Dialler {
  const { address, options, limits, wheel, fields, sessions } = common;
  const open = new Set<ClientConnection>();
  /** How many times rarer than by its options it pings. */
  let calm = 1;
  let trusted = true;

  async function connect(signal: AbortSignal, lost: (reason: string) => void): Promise<ClientConnection> {
    const identity = common.identity();
    const tls = common.tls?.();
    const session = tls && sessions.of(address, tls, identity);
    try {
      return await connectWith({ tls, session, identity }, signal, lost);
    } catch (error) {
      session?.drop();
      throw error;
    }
  }

  async function connectWith(
    { tls, session, identity }: Handshake,
    signal: AbortSignal,
    lost: (reason: string) => void,
  ): Promise<ClientConnection> {
    const startedAt = now();
    let connection: ClientConnection | undefined;
    const onRead = (bytes: Buffer, length: number): void => connection?.receive(bytes, length);
    const socket = await dial(address, tls, signal, onRead, session, identity);
    const { promise, resolve, reject } = Promise.withResolvers<ClientConnection>();
    const opened = new ClientConnection(socket, {
      address,
      wheel,
      limits,
      fields,
      compression: fields.compression,
      maxMetadataBytes: options.maxMetadataBytes ?? DEFAULT_MAX_METADATA_BYTES,
      maxReceiveMessageBytes: options.maxReceiveMessageBytes ?? DEFAULT_MAX_RECEIVE_BYTES,
      maxSendMessageBytes: options.maxSendMessageBytes,
      ready() {
        opened.patienceMs = patienceMs(now() - startedAt);
        resolve(opened);
      },
      freed: common.freed,
      over: common.over,
      elsewhere: common.elsewhere,
      trusted: () => trusted,
      silence: () => common.silence(opened),
      lost(reason, tooManyPings) {
        // A8: a server that is pinged too often is pinged half as often from then on.
        if (tooManyPings) calm *= 2;
        reject(new Error(reason));
        lost(reason);
      },
    });
    connection = opened;
    open.add(opened);
    const watch = new Watch(wheel, opened as never, watchOptions(opened));
    signal.addEventListener("abort", () => opened.settled || opened.destroy("given up"), { once: true });
    const shown = { certificate: tls?.cert !== undefined };
    const closed = (reason: string) => opened.destroy(opened.greeted ? reason : closedUngreeted(tls));
    socket.on("error", (error) => (isCut(error) ? closed : opened.destroy.bind(opened))(connectReason(error, shown)));
    socket.once("end", () => closed("the server closed it"));
    socket.once("close", () => {
      watch.stop();
      open.delete(opened);
      if (opened.answered || opened.taken) trusted = opened.answered;
      opened.destroy("it was closed");
    });
    return promise;
  }

  function watchOptions(opened: ClientConnection) {
    const { keepaliveMs = 2_000, keepaliveTimeoutMs = 2_000, keepaliveWithoutCalls = false } = options;
    const { confirmIdleMs = CONFIRM_IDLE_MS } = options;
    return {
      keepaliveMs: keepaliveMs * calm,
      keepaliveTimeoutMs,
      quietMs: keepaliveMs * calm * QUIET_PART,
      idleKeepaliveMs: keepaliveWithoutCalls ? (options.keepaliveMs ?? IDLE_KEEPALIVE_MS) * calm : undefined,
      patient: true,
      restedMs: confirmIdleMs * calm,
      rested: () => opened.doubt(),
    };
  }

  return { connect, open };
}
