import { checkObservers } from "../core/check-observers.ts";
import { closest } from "../core/closest.ts";
import { isObject } from "../core/json-object.ts";
import type { Method, Service } from "../core/method.ts";
import { checkRanges } from "../core/number-range.ts";
import {
  checkKind,
  checkKinds,
  flag,
  having,
  logger,
  type OptionKind,
  type OptionKinds,
} from "../core/option-kinds.ts";
import { checkNames, type OptionNames } from "../core/option-names.ts";
import { checkInterceptors } from "../core/service-interceptors.ts";
import { whatIs } from "../core/what-is.ts";
import { checkListenOptions } from "../transport/check-options.ts";
import { HTTP2_OPTIONS } from "../transport/http2/limits.ts";
import { ofChannels, places } from "../transport/option-places.ts";
import { type DrainOptions, drainRanges } from "./drain.ts";
import type { ListenAddress, ServerOptions } from "./server.ts";

const names: OptionNames<ServerOptions> = {
  registry: true,
  metadata: true,
  transport: true,
  policies: true,
  interceptors: true,
  builtInInterceptors: true,
  logger: true,
  observers: true,
  reflection: true,
  drain: true,
  tls: true,
  maxConcurrentStreams: true,
  maxConnections: true,
  maxConnectionsPerAddress: true,
  maxConnectionAgeMs: true,
  maxConnectionAgeGraceMs: true,
  maxConnectionIdleMs: true,
  acceptCompression: true,
  compression: true,
  keepaliveMs: true,
  keepaliveTimeoutMs: true,
  maxReceiveMessageBytes: true,
  maxSendMessageBytes: true,
  maxMetadataBytes: true,
};

const aGroup: OptionKind = {
  fits: (value) => typeof value === "object" && value !== null,
  remedy: "give an object with a function for each method",
};

const elsewhere = places(
  [ofChannels, "createChannel"],
  [HTTP2_OPTIONS, "http2, as transport: http2({ … })"],
  [["port", "host", "hostname", "address"], 'listen, as server.listen("0.0.0.0:50051")'],
  [["advertise"], "listen"],
);

const isText = (value: unknown): boolean => typeof value === "string";

const kinds: OptionKinds<ServerOptions> = {
  registry: having(["register"], 'etcd("http://127.0.0.1:2379")'),
  metadata: { fits: isObject, remedy: 'give an object whose values are text: { zone: "eu-1" }' },
  transport: having(["connect", "listen"], "http2()"),
  policies: having(["watch"], 'etcdPolicies("http://127.0.0.1:2379")'),
  reflection: flag,
  logger,
};

const drainNames: OptionNames<DrainOptions> = {
  quietMs: true,
  quietTimeoutMs: true,
  timeoutMs: true,
  streamGraceMs: true,
};

/** @throws TypeError that names the option that there is not, or that cannot be, and what it can be */
export function checkServerOptions(options: ServerOptions): void {
  checkNames(options, names, "createServer", elsewhere);
  checkKinds(options, kinds);
  checkObservers(options);
  checkListenOptions(options);
  const { metadata = {} } = options;
  const value = { fits: isText, remedy: "give text" };
  checkKinds(metadata, Object.fromEntries(Object.keys(metadata).map((key) => [key, value])), "metadata.");
  const { drain, interceptors = [], builtInInterceptors = [] } = options;
  if (drain !== undefined) checkDrain(drain, "drain");
  checkInterceptors(interceptors, "interceptors");
  checkInterceptors(builtInInterceptors, "builtInInterceptors");
}

/** As `checkServerOptions`. */
export function checkDrain(options: DrainOptions, of: string): void {
  checkNames(options, drainNames, of);
  checkRanges(options, drainRanges);
}

/** As `checkServerOptions`. */
export function checkListenAddress(address: unknown, options: ListenAddress): void {
  checkKind("the address of listen", address, { fits: isText, remedy: 'give "host:port"' });
  checkNames(options, { advertise: true }, "listen");
  checkKinds(options, { advertise: { fits: isText, remedy: "give host or host:port" } });
}

/** @throws TypeError that names a method which the implementation has no function for */
export function checkImplementation(
  { name, methods }: Service<any>,
  implementation: unknown,
): asserts implementation is Readonly<Record<string, unknown>> {
  checkKind(`the implementation of ${name}`, implementation, aGroup);
  for (const [key, { path }] of Object.entries<Method>(methods)) {
    const given = (implementation as Readonly<Record<string, unknown>>)[key];
    if (typeof given === "function") continue;
    const meant = closest(key, functionsOf(implementation as object));
    const what = given !== undefined ? `: it is ${whatIs(given)}` : meant !== undefined ? `: is ${meant} it?` : "";
    throw new TypeError(`${name}: the implementation has no function ${key} for ${path}${what}`);
  }
}

function functionsOf(implementation: object): string[] {
  return Object.entries(implementation).flatMap(([key, value]) => (typeof value === "function" ? [key] : []));
}
