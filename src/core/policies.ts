import { Code } from "./code.ts";
import type { Method } from "./method.ts";
import { codeNames } from "./option-kinds.ts";
import type { HedgePolicy, MethodPolicy, RetryPolicy } from "./policy.ts";
import { EVERY_SERVICE } from "./policy-source.ts";
import { RpcError } from "./rpc-error.ts";

/** What a channel sets for its calls, and over that for single services and methods. */
export interface ChannelPolicy extends MethodPolicy {
  /** By the full name of a service (`greeter.v1.Greeter`) or of a method (`greeter.v1.Greeter/SayHello`, or with a slash before it). */
  readonly methods?: Readonly<Record<string, MethodPolicy>> | undefined;
}

/** What holds where nobody says otherwise. `docs/resilience.md` has the reasons. */
export const DEFAULT_POLICY: {
  /** Of a unary call. A stream has no deadline unless it is given one. */
  readonly timeoutMs: number;
  /** Of a method that is declared idempotent. No other is sent twice, unless no server took it up. */
  readonly retry: Required<RetryPolicy>;
  /** What a hedge policy leaves out. No method hedges unless asked to. */
  readonly hedge: Required<HedgePolicy>;
} = {
  timeoutMs: 10_000,
  retry: {
    maxAttempts: 3,
    initialBackoffMs: 50,
    maxBackoffMs: 1_000,
    backoffMultiplier: 2,
    retryableCodes: ["UNAVAILABLE"],
  },
  hedge: { maxAttempts: 2, delayMs: 100 },
};

/** gRPC's own limit; more is cut down to it, as A6 has it. */
const MOST_ATTEMPTS = 5;

/** The policy of a call, with nothing left open. */
export interface Policy {
  /** 0 is no deadline. */
  readonly timeoutMs: number;
  /** `undefined` where the method may not be sent twice, or its retry is off. */
  readonly retry: Required<RetryPolicy> | undefined;
  /** `undefined` unless asked for. A call that hedges is not retried besides. */
  readonly hedge: Required<HedgePolicy> | undefined;
  readonly waitForReady: boolean;
  readonly maxRequestBytes: number | undefined;
  readonly maxResponseBytes: number | undefined;
}

/**
 * Finds the policy of a call: field by field, the call's own options win, then what operators say, then the channel's for
 * the method, for the service and for all, then the contract's, then the defaults. What it finds is kept for each method, so that a call
 * without options of its own costs one look-up.
 * @throws RpcError INVALID_ARGUMENT that names the method, where it is asked to be retried or hedged and may not be sent
 * twice, or where a number makes no sense
 */
export type Policies = (method: Method, own?: MethodPolicy) => Policy;

export function policies(channel: ChannelPolicy = {}): Policies {
  return overlaidPolicies(channel).policyOf;
}

/** What operators say of a service, which has been checked. */
type Overlay = (service: string) => (MethodPolicy & Pick<ChannelPolicy, "methods">) | undefined;

/** Policies over which others are laid while they are used. */
export interface OverlaidPolicies {
  readonly policyOf: Policies;
  /** Lays these over the channel's from the next call on, in the place of those before. */
  overlay(next: Overlay): void;
}

export function overlaidPolicies(channel: ChannelPolicy = {}): OverlaidPolicies {
  let known = new WeakMap<Method, Policy>();
  let over: Overlay = () => undefined;
  return {
    policyOf(method, own) {
      if (own !== undefined) return resolve(method, layersOf(method, channel, over, own));
      let policy = known.get(method);
      if (policy === undefined) {
        policy = resolve(method, layersOf(method, channel, over));
        known.set(method, policy);
      }
      return policy;
    },
    overlay(next) {
      over = next;
      known = new WeakMap();
    },
  };
}

interface Layer {
  readonly policy: MethodPolicy | undefined;
  /** Whether it speaks of this very method. Only then is it an error to ask for what the method cannot have. */
  readonly exact: boolean;
}

function layersOf(method: Method, channel: ChannelPolicy, over: Overlay, own?: MethodPolicy): Layer[] {
  const overService = over(method.service);
  return [
    { policy: own, exact: true },
    // Who operates a fleet must not break its calls by a word: what a method cannot have is left out.
    { policy: overService?.methods?.[method.name], exact: false },
    { policy: overService, exact: false },
    { policy: over(EVERY_SERVICE), exact: false },
    { policy: channel.methods?.[method.path.slice(1)] ?? channel.methods?.[method.path], exact: true },
    { policy: channel.methods?.[method.service], exact: false },
    { policy: channel, exact: false },
    { policy: method.policy, exact: true },
  ];
}

function resolve(method: Method, layers: readonly Layer[]): Policy {
  const safe = method.idempotency !== "IDEMPOTENCY_UNKNOWN";
  if (!safe) for (const { policy, exact } of layers) if (exact) refuseResending(method, policy);
  const hedge = merge(layers, "hedge", DEFAULT_POLICY.hedge);
  const asked = layers.some(({ policy }) => policy?.hedge !== undefined);
  return {
    timeoutMs: check(method, "timeoutMs", first(layers, "timeoutMs") ?? defaultTimeoutMs(method), 0),
    retry: safe ? checkedRetry(method, merge(layers, "retry", DEFAULT_POLICY.retry)) : undefined,
    // What streams its requests cannot send them to two servers.
    hedge: safe && asked && !method.requestStream ? checkedHedge(method, hedge) : undefined,
    waitForReady: checkedFlag(method, first(layers, "waitForReady") ?? false),
    maxRequestBytes: checkedSize(method, "maxRequestBytes", layers),
    maxResponseBytes: checkedSize(method, "maxResponseBytes", layers),
  };
}

function defaultTimeoutMs(method: Method): number {
  return method.kind === "unary" ? DEFAULT_POLICY.timeoutMs : 0;
}

function first<K extends keyof MethodPolicy>(layers: readonly Layer[], key: K): MethodPolicy[K] | undefined {
  return layers.find(({ policy }) => policy?.[key] !== undefined)?.policy?.[key];
}

/** The first layer that speaks decides whether; each field is the first layer's that names it. */
function merge<T extends object>(layers: readonly Layer[], key: "retry" | "hedge", defaults: T): T | undefined {
  if (first(layers, key) === false) return undefined;
  const merged = { ...defaults };
  for (const { policy } of layers.toReversed()) {
    const named = Object.entries(policy?.[key] || {}).filter(([, value]) => value !== undefined);
    Object.assign(merged, Object.fromEntries(named));
  }
  return merged;
}

function refuseResending(method: Method, policy: MethodPolicy | undefined): void {
  for (const key of ["retry", "hedge"] as const) {
    const asked = policy?.[key];
    if (!asked || asked.maxAttempts === 1) continue;
    throw invalid(method, `asks for ${key}, but is not declared safe to send twice`, "declare its idempotency_level");
  }
}

function checkedRetry(method: Method, retry: Required<RetryPolicy> | undefined): Required<RetryPolicy> | undefined {
  if (retry === undefined || retry.maxAttempts === 1) return undefined;
  check(method, "retry.initialBackoffMs", retry.initialBackoffMs, 0);
  check(method, "retry.maxBackoffMs", retry.maxBackoffMs, 0);
  check(method, "retry.backoffMultiplier", retry.backoffMultiplier, 0);
  if (!codeNames.fits(retry.retryableCodes)) {
    const given = JSON.stringify(retry.retryableCodes);
    throw invalid(method, `has the policy retry.retryableCodes ${given}`, codeNames.remedy);
  }
  const maxAttempts = check(method, "retry.maxAttempts", retry.maxAttempts, 1);
  return { ...retry, maxAttempts: Math.min(maxAttempts, MOST_ATTEMPTS) };
}

function checkedHedge(method: Method, hedge: Required<HedgePolicy> | undefined): Required<HedgePolicy> | undefined {
  if (hedge === undefined || hedge.maxAttempts === 1) return undefined;
  check(method, "hedge.delayMs", hedge.delayMs, 0);
  const maxAttempts = check(method, "hedge.maxAttempts", hedge.maxAttempts, 1);
  return { ...hedge, maxAttempts: Math.min(maxAttempts, MOST_ATTEMPTS) };
}

function checkedFlag(method: Method, waitForReady: boolean): boolean {
  if (typeof waitForReady === "boolean") return waitForReady;
  throw invalid(method, `has the policy waitForReady ${waitForReady}`, "give true or false");
}

function checkedSize(
  method: Method,
  name: "maxRequestBytes" | "maxResponseBytes",
  layers: readonly Layer[],
): number | undefined {
  const bytes = first(layers, name);
  return bytes === undefined ? undefined : check(method, name, bytes, 0);
}

function check(method: Method, name: string, value: number, least: number): number {
  if (typeof value === "number" && value >= least) return value;
  const given: unknown = value;
  const shown = typeof given === "string" ? JSON.stringify(given) : String(given);
  throw invalid(method, `has the policy ${name} ${shown}`, `give a number that is at least ${least}`);
}

function invalid(method: Method, what: string, remedy: string): RpcError {
  return new RpcError(Code.INVALID_ARGUMENT, `${method.service}/${method.name} ${what}: ${remedy}`);
}
