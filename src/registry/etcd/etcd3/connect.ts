import { createPrivateKey } from "node:crypto";
import { type CallOptionsFactory, Etcd3 } from "etcd3";
import type { ClientTls } from "../../../core/transport.ts";
import { checkTlsOfEtcd3 } from "../etcd3-tls.ts";
import { createLogins, isLoginNeedless, type Login, tokenRefused } from "../logins.ts";
import type { EtcdSettings } from "../settings.ts";
import { maxAnswerBytes } from "../wire.ts";
import { createHostPolicies } from "./hosts.ts";
import { probe } from "./probe.ts";
import { unholdSockets } from "./unheld-sockets.ts";

type CallOptions = Exclude<CallOptionsFactory, (...context: never) => unknown>;
type Interceptor = NonNullable<CallOptions["interceptors"]>[number];

/** etcd3's connections to the hosts of one etcd, and the login that goes with them. */
export interface Connection {
  readonly etcd: Etcd3;
  /** Makes a call with a token that etcd takes, logging in again where it has to. */
  withLogin<T>(call: () => Promise<T>): Promise<T>;
  /** Makes a call on one host after the other until one answers. etcd3 does so itself with all but streams. */
  onEachHost<T>(call: () => Promise<T>): Promise<T>;
}

/**
 * Of etcd3 the connections, the choice of host and the plain requests are used. Its leases and watchers are not: a
 * lease of its is never granted again, and a watcher may throw out of an event (see `../follow.ts` and `../lease.ts`).
 */
export function connect(settings: EtcdSettings, tls: ClientTls | undefined): Connection {
  const { hosts, username, password, callTimeoutMs, hedgeMs } = settings;
  if (tls !== undefined) checkTlsOfEtcd3(hosts, tls);
  const urls = hosts.map((host) => `${tls === undefined ? "http" : "https"}://${host}`);
  const policies = createHostPolicies(urls, (url) => probe(new URL(url).host, tls, hedgeMs));
  const interceptors: Interceptor[] = [atStart((): string | undefined => logins?.current?.token)];
  const etcd = new Etcd3({
    hosts: urls,
    ...(tls === undefined ? {} : { credentials: credentials(tls) }),
    grpcOptions: {
      // A frozen etcd shows after 8 s; below 5 s etcd answers "too many pings".
      "grpc.keepalive_time_ms": 6_000,
      "grpc.keepalive_timeout_ms": 2_000,
      // Else a channel that etcd3 opens in place of a broken one gets the same connection again, which may hang for ever.
      "grpc.use_local_subchannel_pool": 1,
      // etcd is asked directly, as the probe of a host asks it.
      "grpc.enable_http_proxy": 0,
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 2_000,
      "grpc.max_receive_message_length": maxAnswerBytes,
      ...(tls?.serverName === undefined ? {} : { "grpc.ssl_target_name_override": tls.serverName }),
    },
    defaultCallOptions: ({ isStream }) => ({
      interceptors,
      ...(isStream ? {} : { deadline: Date.now() + callTimeoutMs }),
    }),
    faultHandling: policies.faultHandling,
  });
  unholdSockets(etcd);
  const logins =
    username === undefined ? undefined : createLogins(() => login(etcd, username, password, callTimeoutMs));

  return {
    etcd,
    onEachHost: policies.eachHost,
    withLogin: (call) => (logins === undefined ? call() : logins.during(call)),
  };
}

function credentials({ ca, cert, key, passphrase }: ClientTls): {
  rootCertificate: Buffer;
  privateKey?: Buffer;
  certChain?: Buffer;
} {
  const buffer = (pem: string | Uint8Array | undefined) => (pem === undefined ? undefined : Buffer.from(pem));
  return {
    // etcd3 hands it to grpc-js, where none means the system's authorities.
    rootCertificate: buffer(ca) as Buffer,
    ...(key === undefined ? {} : { privateKey: opened(key, passphrase) }),
    ...(cert === undefined ? {} : { certChain: Buffer.from(cert) }),
  };
}

/** grpc-js takes no passphrase. */
function opened(key: string | Uint8Array, passphrase: string | undefined): Buffer {
  const pem = Buffer.from(key);
  if (passphrase === undefined) return pem;
  return Buffer.from(createPrivateKey({ key: pem, passphrase }).export({ type: "pkcs8", format: "pem" }));
}

/**
 * Adds the token, and asks a host that has lost its cluster's leader to say so instead of serving what it has. Renames
 * the status of a refused token, because etcd3 answers it with the same call at once, again and again.
 */
function atStart(tokenOf: () => string | undefined): Interceptor {
  return (options, nextCall) => {
    const call = nextCall(options);
    const start = call.start.bind(call);
    call.start = (metadata, listener) => {
      metadata.set("hasleader", "true");
      const token = tokenOf();
      if (token !== undefined) metadata.set("token", token);
      start(metadata, {
        onReceiveMetadata: (header) => listener?.onReceiveMetadata?.(header),
        onReceiveMessage: (message) => listener?.onReceiveMessage?.(message),
        onReceiveStatus: (status) =>
          listener?.onReceiveStatus?.(
            status.details.includes("invalid auth token") ? { ...status, details: tokenRefused } : status,
          ),
      });
    };
    // grpc-js calls only what the interface has; its type asks for the class.
    return call as ReturnType<Interceptor>;
  };
}

async function login(etcd: Etcd3, name: string, password: string, callTimeoutMs: number): Promise<Login> {
  try {
    // No interceptors: an expired token has no business here.
    const options = { interceptors: [], deadline: Date.now() + callTimeoutMs };
    return { token: (await etcd.auth.authenticate({ name, password }, options)).token };
  } catch (error) {
    if (isLoginNeedless(error)) return { token: undefined };
    throw error;
  }
}
