// For users.

export type { ReadyOptions } from "./balance/when-ready.ts";
export type { CallOptions } from "./client/call-options.ts";
export { type Channel, type ChannelOptions, createChannel } from "./client/channel.ts";
export { type Client, createClient, type Requests } from "./client/client.ts";
export {
  type Call,
  type Caller,
  type CertificateSubject,
  type Handler,
  type Interceptor,
  type Reply,
  type ValueKey,
  valueKey,
} from "./core/call.ts";
export type { CallRecord } from "./core/call-record.ts";
export type { CanaryPolicy } from "./core/canary-policy.ts";
export type { ChannelState } from "./core/channel-state.ts";
export { Code, type CodeName } from "./core/code.ts";
export { detached } from "./core/context.ts";
export type { EjectionPolicy } from "./core/ejection-policy.ts";
export type { Endpoint } from "./core/endpoint.ts";
export type { Fact, FactKind, FactOf, Observer } from "./core/facts.ts";
export type { Logger } from "./core/logger.ts";
export type { MessageInit } from "./core/message.ts";
export { Metadata, type MetadataInit, type MetadataValue } from "./core/metadata.ts";
export type { Method, MethodKind, Service } from "./core/method.ts";
export type { ChannelPolicy, Policy } from "./core/policies.ts";
export type { HedgePolicy, Idempotency, MethodPolicy, RetryPolicy } from "./core/policy.ts";
export type {
  PolicyChange,
  PolicyRevision,
  PolicySnapshot,
  PolicySource,
  PolicyStore,
} from "./core/policy-source.ts";
export type { RatePolicy } from "./core/rate-policy.ts";
export { detail, type ErrorDetail, RpcError } from "./core/rpc-error.ts";
export type { ServiceInterceptors } from "./core/service-interceptors.ts";
export type { OperatedMethodPolicy, ServicePolicy } from "./core/service-policy.ts";
export type { ClientTls, ServerTls, TlsSource } from "./core/transport.ts";
export { watched } from "./core/watched.ts";
export { type FromJsonOptions, fromJson, type JsonValue, type ToJsonOptions, toJson } from "./json/message-json.ts";
export { registryFromUri } from "./registry/from-uri.ts";
export { memoryRegistry } from "./registry/memory.ts";
export { type MemoryPoliciesOptions, memoryPolicies } from "./registry/memory-policies.ts";
export { staticRegistry } from "./registry/static.ts";
export { type WithSnapshotOptions, withSnapshot } from "./registry/with-snapshot.ts";
export type { DrainOptions } from "./server/drain.ts";
export type { HandlerContext } from "./server/handler-context.ts";
export type { Health, ServingStatus } from "./server/health.ts";
export type { Fits, Implementation } from "./server/implementation.ts";
export { createServer, type ListenAddress, type Server, type ServerOptions } from "./server/server.ts";

// Policies to choose from.

export { consistentHash } from "./balance/consistent-hash.ts";
export { leastLoaded } from "./balance/least-loaded.ts";
export { peakEwma } from "./balance/peak-ewma.ts";
export { roundRobin } from "./balance/round-robin.ts";
export { subset } from "./balance/subset.ts";
export { weighted } from "./balance/weighted.ts";
export { zoneAware } from "./balance/zone-aware.ts";
export type { BreakerOptions, CircuitState } from "./breaker/breaker.ts";
export {
  type ConcurrencyLimit,
  type ConcurrencyLimitOptions,
  type ConcurrencyStats,
  concurrencyLimit,
} from "./limit/concurrency-limit.ts";
export { type Rate, type RateLimitOptions, rateLimit } from "./limit/rate-limit.ts";
export { type HeldRequests, heldRequests } from "./retry/request.ts";
export { type Http2Limits, http2 } from "./transport/http2/index.ts";
export { MemoryBudget, type MemoryBudgetOptions } from "./transport/memory-budget.ts";
export { type ClientTlsFiles, type ServerTlsFiles, tlsFiles } from "./transport/tls-files.ts";

// For those who write a registry, a balancer or a transport of their own.

export type { Balancer, Picker, Replaced } from "./balance/balancer.ts";
export { createFacts, type Facts, type FactsOptions } from "./core/facts.ts";
export type {
  Acceptor,
  ConnectOptions,
  Listener,
  ListenOptions,
  Peer,
  PeerState,
  Transport,
} from "./core/transport.ts";
export type { Announcement, Registrar, Registration, Registry, Resolver, Snapshot } from "./registry/registry.ts";
