import { isIP, type Socket } from "node:net";
import {
  Channel,
  type ChannelOptions,
  compressionAlgorithms,
  Metadata as GrpcMetadata,
  connectivityState as State,
} from "@grpc/grpc-js";
import { now } from "../../core/deadline.ts";
import type { Endpoint } from "../../core/endpoint.ts";
import { factsOf } from "../../core/facts.ts";
import { heldTls } from "../../core/held-tls.ts";
import type { ConnectOptions, Peer } from "../../core/transport.ts";
import { socketAddress } from "../address.ts";
import { connectReason, isTelling } from "../connect-reason.ts";
import { isCut } from "../greeting.ts";
import { CONFIRM_IDLE_MS, patienceMs } from "../idle.ts";
import { DEFAULT_MAX_RECEIVE_BYTES } from "../message.ts";
import { createPeer } from "../peer.ts";
import { identityOf } from "../server-identity.ts";
import { clientTlsOptions } from "../tls.ts";
import { whatIsWrong } from "../who-is-there.ts";
import { openOn, type Traffic } from "./calling.ts";
import { SocketCredentials } from "./credentials.ts";
import { pingAfter, pingsOf, timerMs } from "./pings.ts";

/** Why a connection that had been made was no good. */
const GONE = "the server goes away";
/** How long a server has to show what is wrong with it, in milliseconds. */
const EXPLAIN_MS = 500;

/** A peer over grpc-js: one grpc-js channel for each connection, none of whose own reconnecting is used. */
export function connectGrpcJs(endpoint: Endpoint, options: ConnectOptions): Peer {
  const { address } = endpoint;
  const { confirmIdleMs = CONFIRM_IDLE_MS, maxReceiveMessageBytes: maxReceiveBytes = DEFAULT_MAX_RECEIVE_BYTES } =
    options;
  const target = targetOf(address);
  const channelOptions = channelOptionsOf(options);
  const tlsNow = options.tls && heldTls(options.tls, "client", factsOf(options));

  /** Where it is no error of the system's, grpc-js words what HTTP/2 came to, so that nobody knows what to do. */
  async function explained(error: unknown): Promise<unknown> {
    if (isTelling(error) && !isCut(error)) return error;
    const wrong = await whatIsWrong(address, tlsNow?.(), EXPLAIN_MS);
    return wrong === undefined ? error : new Error(wrong);
  }

  /** True while connections that went with calls under way answered some. */
  let trusted = true;

  let peer: Peer | undefined;
  peer = createPeer(endpoint, { ...options, certificate: tlsNow?.().cert !== undefined }, async (signal, lost) => {
    // The pool replaces its endpoint; the first try begins before there is a peer.
    const given = tlsNow?.();
    const identity = identityOf(given, peer?.endpoint ?? endpoint);
    const tls = given && clientTlsOptions(given, address, identity);
    const startedAt = now();
    const sockets: Socket[] = [];
    const credentials = new SocketCredentials(tls, (socket) => sockets.push(socket));
    const channel = new Channel(target, credentials, channelOptions);
    const abandon = (): void => {
      channel.close();
      for (const socket of sockets) socket.destroy();
    };
    signal.addEventListener("abort", abandon, { once: true });
    try {
      await ready(channel, signal);
      // One who turns a client away by GOAWAY does so in the same breath as it says what it allows.
      await new Promise(setImmediate);
      if (channel.getConnectivityState(false) !== State.READY) throw new Error(GONE);
    } catch (error) {
      if (signal.aborted) throw error;
      abandon();
      throw await explained(credentials.failure ?? error);
    } finally {
      signal.removeEventListener("abort", abandon);
    }
    let isGone = false;
    const rests = (): void => {
      if (isGone) trusted = traffic.served;
    };
    const traffic: Traffic = { served: false, calls: 0, restsSince: now(), rests };
    const pings = pingsOf(channel);
    channel.watchConnectivityState(State.READY, Number.POSITIVE_INFINITY, () => {
      pings.stop();
      isGone = true;
      lost(credentials.failure === undefined ? "connection lost" : connectReason(credentials.failure));
    });
    const patience = patienceMs(traffic.restsSince - startedAt);
    let asked: Promise<boolean> | undefined;
    return {
      open: openOn(channel, { address, maxReceiveBytes }, traffic),
      get served() {
        // A server that goes may still answer what it took; grpc-js does not tell whether it took anything.
        return traffic.served || (trusted && traffic.calls > 0);
      },
      get rested() {
        return traffic.calls === 0 && now() - traffic.restsSince >= confirmIdleMs;
      },
      confirm() {
        asked ??= pings.answered(patience).finally(() => {
          asked = undefined;
          traffic.restsSince = now();
        });
        return asked;
      },
      close: () => channel.close(),
    };
  });
  return peer;
}

/** Resolves once the channel is connected; rejects when its first try has failed. */
function ready(channel: Channel, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const state = signal.aborted ? State.SHUTDOWN : channel.getConnectivityState(true);
      if (state === State.READY) resolve();
      else if (state === State.SHUTDOWN) reject(new Error("given up"));
      else if (state === State.TRANSIENT_FAILURE) whyNot(channel, reject);
      else channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, look);
    };
    look();
  });
}

/** grpc-js tells why a connection failed only to a call. */
function whyNot(channel: Channel, reject: (error: Error) => void): void {
  const call = channel.createCall("/", Number.POSITIVE_INFINITY, null, null, null);
  call.start(new GrpcMetadata(), {
    onReceiveMetadata() {},
    onReceiveMessage() {},
    onReceiveStatus: ({ details }) => reject(new Error(lastError(details))),
  });
}

function lastError(details: string): string {
  const last = /Last error: (?:\w*Error: )?(.*?)(?: \(\d{4}-\d\d-\d\dT[^)]*\))?\. Resolution note/s.exec(details);
  return last?.[1] ?? details;
}

/** With a scheme that says how to resolve, so that no host name is taken for one. */
function targetOf(address: string): string {
  const to = socketAddress(address);
  if ("path" in to) return `unix:${to.path}`;
  const version = isIP(to.host);
  return `${version === 0 ? "dns" : `ipv${version}`}:${address}`;
}

function channelOptionsOf(options: ConnectOptions): ChannelOptions {
  const { compression = "identity", keepaliveMs = 10_000, keepaliveTimeoutMs = 2000, userAgent } = options;
  return {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_channelz": 0,
    "grpc.enable_retries": 0,
    // Nothing is buffered for retries: a message counts as written when the connection has taken it.
    "grpc.retry_buffer_size": -1,
    "grpc.per_rpc_retry_buffer_size": -1,
    "grpc.enable_http_proxy": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.client_idle_timeout_ms": 0x7fff_ffff,
    "grpc.max_receive_message_length": options.maxReceiveMessageBytes ?? DEFAULT_MAX_RECEIVE_BYTES,
    "grpc.max_send_message_length": -1,
    "grpc.default_compression_algorithm": compressionAlgorithms[compression],
    "grpc.keepalive_time_ms": pingAfter(keepaliveMs),
    "grpc.keepalive_timeout_ms": timerMs(keepaliveTimeoutMs),
    "grpc.keepalive_permit_without_calls": options.keepaliveWithoutCalls === true ? 1 : 0,
    ...(userAgent !== undefined && { "grpc.primary_user_agent": userAgent }),
  };
}
