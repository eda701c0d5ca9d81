import type { FactFields, FactKind } from "./facts.ts";
import type { Logger } from "./logger.ts";

export type Level = keyof Logger;

/** How a kind of fact stands in a log. */
export interface Line<K extends FactKind> {
  readonly level: Level;
  readonly text: string | ((fact: FactFields[K]) => string);
  /** What the text says is not among the fields besides. */
  readonly without?: readonly (keyof FactFields[K])[] | undefined;
  /** One line in so many milliseconds, with how many were left out. */
  readonly everyMs?: number | undefined;
  /** One for each address of a client, and of those between a line at debug. */
  readonly byClient?: boolean | undefined;
}

const EVERY_MS = 10_000;
/** One client that tries again and again does so for ever. */
const EVERY_MS_OF_ONE = 60_000;

/** Every kind of fact, and its line; `undefined` for what happens in the ordinary course of calls. */
export const FACT_LINES: { readonly [K in FactKind]: Line<K> | undefined } = {
  "call-began": undefined,
  "call-ended": undefined,
  "attempt-picked": undefined,
  "attempt-ended": undefined,
  "attempt-failed": { level: "debug", text: ({ message }) => `attempt failed: ${message}`, without: ["message"] },
  "retry-planned": undefined,
  "hedge-sent": undefined,
  "budget-exhausted": undefined,

  "endpoints-changed": { level: "info", text: "endpoints changed" },
  "endpoint-added": { level: "debug", text: "endpoint added" },
  "endpoint-dropped": { level: "debug", text: "endpoint dropped" },
  "endpoint-left-out": {
    level: "warn",
    text: ({ reason }) => `an endpoint is left out: ${reason}`,
    without: ["reason"],
  },
  "endpoint-unusable": { level: "error", text: "an endpoint cannot be used" },
  "endpoints-doubted": {
    level: "warn",
    text: "the registry lost most endpoints at once: they are called on while they work",
  },
  "peer-state-changed": undefined,
  "peer-unclosed": { level: "error", text: "a peer could not be closed" },
  "peer-unserved": {
    level: "warn",
    text: "the server at this address has no such service: calls go to others",
  },
  "peer-healthy": { level: "debug", text: "the server says that it serves" },
  "peer-unhealthy": {
    level: "warn",
    text: ({ reason }) => `the server is not called: ${reason}`,
    without: ["reason"],
  },
  "panic-began": { level: "warn", text: "most circuits are open: all connected peers are called" },
  "panic-ended": { level: "warn", text: "most circuits are closed again" },
  "service-idle": { level: "debug", text: "no calls: its servers are let go" },
  "server-name-open": {
    level: "warn",
    text:
      "servers come from a registry, and whoever has a certificate of the same authority and may write there is trusted; " +
      "give the name that all of them have as tls.serverName",
  },
  "circuit-opened": { level: "warn", text: ({ message }) => `circuit opened: ${message}`, without: ["message"] },
  "circuit-reopened": { level: "debug", text: "circuit open" },
  "circuit-half-open": { level: "debug", text: "circuit half-open" },
  "circuit-closed": { level: "info", text: "circuit closed" },
  "circuit-dropped": undefined,

  "certificate-expiring": {
    level: "warn",
    text: "the TLS certificate expires soon: renew tls.cert and tls.key",
  },
  "certificate-expired": { level: "error", text: "the TLS certificate has expired: renew tls.cert and tls.key" },
  "certificate-taken": { level: "info", text: "new TLS options are taken up: new connections use them" },
  "certificate-kept": {
    level: "warn",
    text: "new TLS options are not taken up: those from before go on being used",
  },
  "connection-opened": { level: "debug", text: "connected" },
  "connection-closed": {
    level: "debug",
    text: ({ side }) => (side === "client" ? "connection lost" : "connection closed"),
  },
  "connection-failed": { level: "debug", text: "connection failed" },
  "connection-broke": { level: "debug", text: "connection broke" },
  "connection-refused": { level: "warn", text: "a connection is refused", everyMs: EVERY_MS },
  "handshake-failed": { level: "warn", text: "TLS handshake failed", everyMs: EVERY_MS_OF_ONE, byClient: true },
  "client-turned-away": {
    level: "warn",
    text: "a client that does not speak gRPC is turned away",
    everyMs: EVERY_MS_OF_ONE,
    byClient: true,
  },
  "accept-failed": { level: "warn", text: "accepting a connection failed" },
  "descriptors-spent": { level: "error", text: "connections are closed as they come", everyMs: EVERY_MS_OF_ONE },
  "descriptors-back": { level: "info", text: "connections are accepted again" },
  "handler-overran": {
    level: "warn",
    text: "a handler goes on though its call is over: let it heed context.signal",
    everyMs: EVERY_MS,
  },
  "memory-crowded": {
    level: "warn",
    text: "calls are refused: more are open than there is memory for; raise memoryBudgetBytes where they may be",
    everyMs: EVERY_MS,
  },
  "connections-evicted": {
    level: "warn",
    text: "connections were ended: memory is short, and what they hold of it does not move",
  },

  "registry-snapshot": undefined,
  "service-resolved": { level: "debug", text: "resolved" },
  "registry-lost": { level: "warn", text: "the registry is away; what it said last stands" },
  "registry-restored": { level: "info", text: "the registry is back" },
  "registry-doubted": undefined,
  "watch-broke": { level: "debug", text: "a watch broke; listing again" },
  "entry-unreadable": { level: "warn", text: "an entry of the registry cannot be read and is left out" },
  "entries-cut": { level: "warn", text: "too many entries; some are not read" },
  "services-cut": { level: "warn", text: "there is too much below this root; some services may not be listed" },
  "snapshot-unsaved": { level: "warn", text: "cannot save what the registry says" },
  "snapshot-unreadable": { level: "warn", text: "cannot read what the registry said" },
  "snapshot-incomplete": { level: "warn", text: "some of what the registry said cannot be read" },
  "registration-made": { level: "info", text: "registered" },
  "registration-kept": { level: "info", text: "kept the registration" },
  "registration-restored": { level: "info", text: "registered again" },
  "registration-failing": { level: "warn", text: "cannot register; trying on" },
  "registration-lost": { level: "warn", text: "cannot keep the registration; trying on" },
  "registration-impossible": { level: "error", text: "cannot register, and does not try on" },
  "registration-ended": { level: "info", text: "deregistered" },
  "registration-lingers": { level: "debug", text: "cannot deregister; trying on" },
  "address-contested": {
    level: "warn",
    text: ({ yielded }) =>
      yielded
        ? "another server announces the same address; its entry stands until it goes"
        : "this address was announced already, by an earlier server or by a second one; the latest stands",
    without: ["yielded"],
  },

  "policy-set": { level: "info", text: "a policy was set: new calls follow it" },
  "policy-deleted": { level: "info", text: "a policy was deleted by hand" },
  "policy-invalid": { level: "warn", text: "a policy that is not valid is left out: what held before it stands" },
  "policy-unfit": { level: "warn", text: "a part of a policy is left out" },
  "policies-lost": { level: "warn", text: "policies cannot be asked for: those that are known stand" },
  "policies-restored": { level: "info", text: "policies can be asked for again" },
  "policies-outlived": {
    level: "error",
    text: "policies from before etcd lost its data go on: set them again",
  },

  listening: { level: "info", text: "listening" },
  "drain-began": undefined,
  "drain-ended": undefined,
  "server-closed": { level: "info", text: "closed" },
  "calls-cut": { level: "warn", text: "closing with calls still in flight" },
  "deregistration-failed": {
    level: "error",
    text: "the registry failed to take this server out: clients may still be sent here",
  },
  "handler-threw": {
    level: "error",
    text: "a handler or an interceptor threw something that is not an RpcError",
  },
  "error-let-through": { level: "warn", text: "a handler let through the error of a call that it made" },
  "reply-malformed": { level: "error", text: "a handler's reply has the wrong shape" },
  "reply-unsent": { level: "error", text: "a reply could not be sent" },
  "limit-refused": undefined,
  "call-queued": undefined,
  "call-dequeued": undefined,
  "limit-full": { level: "warn", text: "the server is full: calls wait or are refused" },
  "limit-free": { level: "info", text: "the server has room again" },
  "handlers-abandoned": {
    level: "warn",
    text: "handlers go on though their calls are over: let them heed context.signal",
  },
  "caller-refused": {
    level: "warn",
    text: "a caller is not let in: what it brings is not right",
    everyMs: EVERY_MS,
  },
  "names-unknown": { level: "warn", text: "rateLimit names what this server does not have" },
  "listener-threw": {
    level: "error",
    text: ({ to }) => (to === "the breaker" ? "onChange of the breaker failed" : `a listener of ${to} threw`),
    without: ["to"],
  },
};
