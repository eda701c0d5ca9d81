import { checkObservers } from "../../core/check-observers.ts";
import { LONGEST_TIMER_MS } from "../../core/clock.ts";
import { createFacts, type Facts, type Observer } from "../../core/facts.ts";
import { heldTls } from "../../core/held-tls.ts";
import type { Logger } from "../../core/logger.ts";
import { atLeast, between, checkRanges, type NumberRange } from "../../core/number-range.ts";
import { checkKinds, logger, type OptionKinds } from "../../core/option-kinds.ts";
import { checkNames, type OptionNames } from "../../core/option-names.ts";
import type { ClientTls, TlsSource } from "../../core/transport.ts";
import { whatIs } from "../../core/what-is.ts";
import { tlsFiles } from "../../transport/tls-files.ts";
import { type DialectName, dialectNamed } from "./dialects/by-name.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { checkTlsOfEtcd3 } from "./etcd3-tls.ts";
import { type EtcdUri, parseEtcdUri } from "./uri.ts";

export interface EtcdOptions {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** For `https://` and `etcds://`; the system's authorities by default. */
  readonly tls?: TlsSource<ClientTls> | undefined;
  /** Seconds a registration outlives a server that dies; 10 by default, from 1 to 9,000,000,000. etcd may raise a small one. */
  readonly ttlSeconds?: number | undefined;
  /** Stands before every key; empty by default. */
  readonly namespace?: string | undefined;
  /** The formats to write and to read, the first of them preferred; `["go-naming"]` by default. */
  readonly dialects?: readonly (DialectName | Dialect)[] | undefined;
  /** Milliseconds a request to etcd may take; 2,000 by default, from 1 to 2^31-1. */
  readonly callTimeoutMs?: number | undefined;
  /** Milliseconds between full lists, in case a watch missed something; 30,000 by default, at least 1, and `Infinity` for never. */
  readonly relistMs?: number | undefined;
  /**
   * Milliseconds for which servers stay known after etcd came back without its data, while they register again; 30,000
   * by default, 0 for not at all, and `Infinity` for as long as it takes.
   */
  readonly doubtMs?: number | undefined;
  /**
   * What asks etcd: `native`, Trunkline's own HTTP/2, by default, or `etcd3`, the package of that name over grpc-js. Only
   * the native one asks another host beside one that is slow to answer.
   */
  readonly client?: EtcdClientName | undefined;
  /** Silent by default. */
  readonly logger?: Logger | undefined;
  /** Told of what happens between this process and etcd; none by default. */
  readonly observers?: readonly Observer[] | undefined;
}

export type EtcdClientName = "native" | "etcd3";

/** The options with their defaults, checked. */
export interface EtcdSettings {
  /** `host:port` */
  readonly hosts: readonly string[];
  /** What TLS is to be used now, as `heldTls` gives it. */
  readonly tls: (() => ClientTls) | undefined;
  readonly username: string | undefined;
  readonly password: string;
  readonly ttlSeconds: number;
  readonly namespace: string;
  readonly dialects: readonly Dialect[];
  readonly callTimeoutMs: number;
  /** Milliseconds without an answer after which another host is asked as well. */
  readonly hedgeMs: number;
  readonly client: EtcdClientName;
  readonly relistMs: number;
  readonly doubtMs: number;
  readonly logger: Logger | undefined;
  readonly facts: Facts;
}

const longestHedgeMs = 1_000;

const ranges: { readonly [K in keyof EtcdOptions]?: NumberRange } = {
  // The longest lease that etcd grants.
  ttlSeconds: between(1, 9_000_000_000),
  callTimeoutMs: between(1, LONGEST_TIMER_MS),
  relistMs: atLeast(1),
  doubtMs: atLeast(0),
};

const anyText = { fits: (value: unknown) => typeof value === "string", remedy: "give text" };

const kinds: OptionKinds<EtcdOptions> = {
  username: anyText,
  password: anyText,
  namespace: anyText,
  dialects: { fits: Array.isArray, remedy: 'give a list: ["go-naming"]' },
  logger,
};

const names: OptionNames<EtcdOptions> = {
  username: true,
  password: true,
  tls: true,
  ttlSeconds: true,
  namespace: true,
  dialects: true,
  callTimeoutMs: true,
  relistMs: true,
  doubtMs: true,
  client: true,
  logger: true,
  observers: true,
};

/** @throws TypeError that names what is wrong; never with a password in it */
export function etcdSettings(hosts: string | readonly string[], options: EtcdOptions): EtcdSettings {
  const given = typeof hosts === "string" ? [hosts] : hosts;
  if (!Array.isArray(given) || !given.every((host) => typeof host === "string")) {
    throw new TypeError(`the hosts of etcd() are ${whatIs(hosts)}: give "http://127.0.0.1:2379", or a list of such`);
  }
  const uris = given.map(parseEtcdUri);
  const first = uris[0];
  if (first === undefined) throw new TypeError("etcd() needs at least one host: http://127.0.0.1:2379");
  if (uris.some(({ secure }) => secure !== first.secure)) {
    throw new TypeError("etcd() takes either http:// or https:// hosts, not both");
  }
  const {
    tls = tlsOf(first),
    ttlSeconds = first.ttlSeconds ?? 10,
    dialects = first.dialects ?? ["go-naming"],
    client = first.client ?? "native",
  } = options;
  if (client !== "native" && client !== "etcd3") {
    throw new TypeError(`there is no client "${client}" for etcd; there are native and etcd3`);
  }
  checkNames(options, names, "etcd");
  checkRanges({ ...options, ttlSeconds }, ranges);
  checkKinds(options, kinds);
  checkObservers(options);
  if (tls !== undefined && !first.secure) {
    throw new TypeError("etcd() has TLS options, but its hosts say http://; write https:// or etcds://");
  }
  if (dialects.length === 0) throw new TypeError("etcd() needs at least one dialect");
  const addresses = [...new Set(uris.flatMap((uri) => uri.hosts))];
  const facts = createFacts(options);
  const held = first.secure ? heldTls(tls ?? {}, "client", facts) : undefined;
  if (held !== undefined && client === "etcd3") checkTlsOfEtcd3(addresses, held());
  return {
    hosts: addresses,
    tls: held,
    username: options.username ?? first.username,
    password: options.password ?? first.password ?? "",
    ttlSeconds,
    namespace: options.namespace ?? first.namespace,
    dialects: dialects.map((each) => (typeof each === "string" ? dialectNamed(each) : each)),
    callTimeoutMs: options.callTimeoutMs ?? 2_000,
    // Well before the two thirds of its life are over that a lease has left when it is to be renewed.
    hedgeMs: Math.min(longestHedgeMs, (ttlSeconds * 1_000) / 6),
    client,
    relistMs: options.relistMs ?? 30_000,
    doubtMs: options.doubtMs ?? 30_000,
    logger: options.logger,
    facts,
  };
}

function tlsOf({ files: { ca, cert, key }, serverName }: EtcdUri): TlsSource<ClientTls> | undefined {
  if ([ca, cert, key, serverName].every((part) => part === undefined)) return undefined;
  return tlsFiles({ caFile: ca, certFile: cert, keyFile: key, serverName });
}
