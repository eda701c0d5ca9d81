import { checkBalancer } from "../balance/checked.ts";
import type { BreakerOptions } from "../breaker/breaker.ts";
import { checkObservers } from "../core/check-observers.ts";
import { isObject } from "../core/json-object.ts";
import type { Service } from "../core/method.ts";
import { atLeast, checkRanges, numberFrom } from "../core/number-range.ts";
import {
  checkKind,
  checkKinds,
  codeNames,
  flag,
  functionLike,
  having,
  logger,
  type OptionKind,
  type OptionKinds,
} from "../core/option-kinds.ts";
import { checkNames, type OptionNames } from "../core/option-names.ts";
import { checkPolicyNames } from "../core/policy-names.ts";
import { checkInterceptors } from "../core/service-interceptors.ts";
import { checkConnectOptions } from "../transport/check-options.ts";
import { HTTP2_OPTIONS } from "../transport/http2/limits.ts";
import { ofServers, places } from "../transport/option-places.ts";
import type { ChannelOptions } from "./channel.ts";

const noneOrMore = numberFrom(0, { endless: true });
const oneOrMore = atLeast(1);

const names: OptionNames<ChannelOptions> = {
  registry: true,
  endpoints: true,
  unixAddresses: true,
  transport: true,
  balancer: true,
  healthCheck: true,
  breaker: true,
  policy: true,
  policies: true,
  interceptors: true,
  attemptInterceptors: true,
  logger: true,
  observers: true,
  callerStacks: true,
  resolveTimeoutMs: true,
  slowStartMs: true,
  idleTimeoutMs: true,
  doubtMs: true,
  tls: true,
  connectTimeoutMs: true,
  keepaliveMs: true,
  keepaliveTimeoutMs: true,
  keepaliveWithoutCalls: true,
  confirmIdleMs: true,
  compression: true,
  userAgent: true,
  maxReceiveMessageBytes: true,
  maxSendMessageBytes: true,
  maxMetadataBytes: true,
};

const kinds: OptionKinds<ChannelOptions> = {
  registry: having(["resolve"], 'etcd("http://127.0.0.1:2379")'),
  endpoints: { fits: Array.isArray, remedy: 'give a list: ["127.0.0.1:50051"]' },
  unixAddresses: flag,
  transport: having(["connect", "listen"], "http2()"),
  policies: having(["watch"], 'etcdPolicies("http://127.0.0.1:2379")'),
  healthCheck: {
    fits: (value) => typeof value === "boolean" || typeof value === "string",
    remedy: "give true, false or the name of a service",
  },
  logger,
};

const elsewhere = places(
  [["timeoutMs", "retry", "hedge", "waitForReady", "maxRequestBytes", "maxResponseBytes"], "policy"],
  [ofServers, "createServer"],
  [HTTP2_OPTIONS, "http2, as transport: http2({ … })"],
  [["address", "url", "host", "port", "target"], 'endpoints, as ["127.0.0.1:50051"]'],
  [["credentials", "ca", "cert", "key", "serverName"], "tls"],
);

const serviceKind: OptionKind = {
  fits: (value) => isObject(value) && typeof value.name === "string",
  remedy: "give a generated service, such as Greeter",
};

const breakerNames: OptionNames<BreakerOptions> = {
  consecutiveFaults: true,
  faultRate: true,
  minimumCalls: true,
  windowMs: true,
  openMs: true,
  maxOpenMs: true,
  random: true,
  faults: true,
  fairTimeMs: true,
  probeTimeoutMs: true,
  onChange: true,
  logger: true,
  clock: true,
};

/** @throws TypeError that names the option that there is not, or that cannot be, and what it can be */
export function checkChannelOptions(options: ChannelOptions): void {
  if (options === undefined) throw nowhere();
  checkNames(options, names, "createChannel", elsewhere);
  checkKinds(options, kinds);
  checkObservers(options);
  if (options.balancer !== undefined) checkBalancer("balancer", options.balancer);
  if (options.registry !== undefined && options.endpoints !== undefined) {
    throw new TypeError("registry and endpoints are both given: give the registry, or the servers themselves");
  }
  if (options.policy !== undefined) checkPolicyNames(options.policy);
  checkConnectOptions(options);
  checkRanges<Pick<ChannelOptions, "resolveTimeoutMs" | "slowStartMs" | "doubtMs" | "idleTimeoutMs">>(options, {
    resolveTimeoutMs: noneOrMore,
    slowStartMs: noneOrMore,
    doubtMs: noneOrMore,
    idleTimeoutMs: oneOrMore,
  });
  checkInterceptors(options.interceptors ?? [], "interceptors");
  checkInterceptors(options.attemptInterceptors ?? [], "attemptInterceptors");
  if (options.breaker) checkBreakerOptions(options.breaker);
}

export function nowhere(): TypeError {
  return new TypeError('createChannel wants to know where servers are: a registry, or endpoints: ["host:port"]');
}

function checkBreakerOptions(options: BreakerOptions): void {
  checkNames(options, breakerNames, "breaker");
  checkKinds(options, { faults: codeNames, onChange: functionLike("(state, endpoint) => {}"), logger }, "breaker.");
  checkRanges(options, {
    consecutiveFaults: oneOrMore,
    minimumCalls: noneOrMore,
    windowMs: noneOrMore,
    openMs: noneOrMore,
    maxOpenMs: noneOrMore,
    fairTimeMs: noneOrMore,
    probeTimeoutMs: noneOrMore,
    faultRate: numberFrom(0, { most: 1 }),
  });
}

/** @throws TypeError for what is no service */
export function nameOf(service: Pick<Service, "name">): string {
  checkKind("the service", service, serviceKind);
  return service.name;
}

/** @throws TypeError for what is no function */
export function checkStateListener(listener: unknown): void {
  checkKind("the listener of watchState", listener, functionLike("(state) => console.log(state)"));
}

/** @throws TypeError for what is no time to close in */
export function checkCloseTimeout(timeoutMs: number): void {
  if (timeoutMs >= 0) return;
  throw new TypeError(`timeoutMs of close is ${timeoutMs}: give milliseconds, or Infinity for no limit`);
}
