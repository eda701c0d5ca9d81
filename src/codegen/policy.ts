import type { DescMethod, DescService, Registry } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { codeName } from "../core/code.ts";
import { DEFAULT_POLICY } from "../core/policies.ts";
import type { HedgePolicy, MethodPolicy, RetryPolicy } from "../core/policy.ts";
import {
  type DeclaredHedge,
  type DeclaredPolicy,
  type DeclaredRetry,
  declaredPolicy,
  optionNumber,
} from "./declared-policy.ts";
import { checkValues, type Fault, field, isOn } from "./policy-check.ts";
import { nameOf, placeOf } from "./source.ts";

/** What a service's methods declare, or what is wrong with it. */
export interface Policies {
  /** Only methods for which something is declared. */
  readonly policies: ReadonlyMap<DescMethod, MethodPolicy>;
  /** Each names the file, the line, the method and what to do. */
  readonly problems: readonly string[];
}

/** Joins what a service and its methods declare, field by field, and refuses what would be unsafe or could not be kept. */
export function resolvePolicies(service: DescService, registry: Registry): Policies {
  const policies = new Map<DescMethod, MethodPolicy>();
  const problems: string[] = [];
  function report(of: DescMethod | DescService, faults: readonly Fault[]): void {
    // In field 4 of MethodDescriptorProto and in field 3 of ServiceDescriptorProto stand the options.
    const options = of.kind === "rpc" ? 4 : 3;
    for (const { field, text } of faults) {
      problems.push(`${placeOf(of, options, optionNumber, field)}: ${nameOf(of)} ${text}`);
    }
  }

  const shared = declaredPolicy(service, registry);
  const sharedFaults = shared === undefined ? [] : [...checkValues(shared), ...checkUse(service, shared)];
  report(service, sharedFaults);
  for (const method of service.methods) {
    const own = declaredPolicy(method, registry);
    const ownFaults = own === undefined ? [] : [...checkValues(own), ...checkSafe(method, own)];
    report(method, ownFaults);
    if (own === undefined && shared === undefined) continue;
    const policy = join(method, own ?? {}, shared ?? {});
    if (sharedFaults.length === 0 && ownFaults.length === 0) report(method, checkJoined(policy));
    if (Object.keys(policy).length > 0) policies.set(method, policy);
  }
  return { policies, problems };
}

/** True for a method that is declared NO_SIDE_EFFECTS or IDEMPOTENT: one that may be sent twice. */
export function isIdempotent(method: DescMethod): boolean {
  return method.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN;
}

/** What streams its requests cannot send them to two servers at once. */
function canHedge(method: DescMethod): boolean {
  return isIdempotent(method) && !method.proto.clientStreaming;
}

const declareIt = 'add "option idempotency_level = IDEMPOTENT;" (or NO_SIDE_EFFECTS)';

function checkSafe(method: DescMethod, policy: DeclaredPolicy): Fault[] {
  const faults: Fault[] = [];
  for (const name of ["retry", "hedge"] as const) {
    if (!isOn(policy[name])) continue;
    if (!isIdempotent(method)) {
      const text = `declares ${name}, but is not declared safe to send twice: ${declareIt} if it is, else remove the ${name}`;
      faults.push({ field: field[name], text });
    } else if (name === "hedge" && !canHedge(method)) {
      const text = "declares hedge, but a stream of requests cannot go to two servers at once: remove the hedge";
      faults.push({ field: field.hedge, text });
    }
  }
  return faults;
}

function checkUse(service: DescService, policy: DeclaredPolicy): Fault[] {
  const faults: Fault[] = [];
  const ask = `${declareIt} to those that are safe to send twice, or remove it`;
  if (isOn(policy.retry) && !service.methods.some(isIdempotent)) {
    faults.push({ field: field.retry, text: `declares retry, but has no method that may be retried: ${ask}` });
  }
  if (isOn(policy.hedge) && !service.methods.some(canHedge)) {
    faults.push({ field: field.hedge, text: `declares hedge, but has no method that may be hedged: ${ask}` });
  }
  return faults;
}

function checkJoined({ retry }: MethodPolicy): Fault[] {
  if (!retry) return [];
  const { initialBackoffMs, maxBackoffMs } = { ...DEFAULT_POLICY.retry, ...retry };
  if (initialBackoffMs <= maxBackoffMs) return [];
  const text = `has retry.initial_backoff_ms ${initialBackoffMs} above retry.max_backoff_ms ${maxBackoffMs}`;
  return [{ field: field.retry, text: `${text}: raise max_backoff_ms or lower initial_backoff_ms` }];
}

function join(method: DescMethod, own: DeclaredPolicy, shared: DeclaredPolicy): MethodPolicy {
  // A service's timeout would cut its long streams, and its retry would send twice what must not be.
  const timeoutMs = own.timeoutMs ?? (method.methodKind === "unary" ? shared.timeoutMs : undefined);
  const retry = joinRetry(own.retry, isIdempotent(method) && !isOn(own.hedge) ? shared.retry : undefined);
  const hedge = joinHedge(own.hedge, canHedge(method) && !isOn(own.retry) ? shared.hedge : undefined);
  const maxRequestBytes = own.maxRequestBytes ?? shared.maxRequestBytes;
  const maxResponseBytes = own.maxResponseBytes ?? shared.maxResponseBytes;
  const waitForReady = own.waitForReady ?? shared.waitForReady;
  return {
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retry !== undefined && { retry }),
    ...(hedge !== undefined && { hedge }),
    ...(maxRequestBytes !== undefined && { maxRequestBytes }),
    ...(maxResponseBytes !== undefined && { maxResponseBytes }),
    ...(waitForReady !== undefined && { waitForReady }),
  };
}

function joinRetry(own: DeclaredRetry | undefined, shared: DeclaredRetry | undefined): RetryPolicy | false | undefined {
  if (own === undefined && shared === undefined) return undefined;
  const { maxAttempts, initialBackoffMs, maxBackoffMs, backoffMultiplier } = { ...shared, ...own };
  if (maxAttempts === 1) return false;
  const codes = [own?.codes, shared?.codes].find((each) => each !== undefined && each.length > 0);
  return {
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(initialBackoffMs !== undefined && { initialBackoffMs }),
    ...(maxBackoffMs !== undefined && { maxBackoffMs }),
    ...(backoffMultiplier !== undefined && { backoffMultiplier }),
    ...(codes !== undefined && { retryableCodes: [...new Set(codes)].map(codeName) }),
  };
}

function joinHedge(own: DeclaredHedge | undefined, shared: DeclaredHedge | undefined): HedgePolicy | false | undefined {
  if (own === undefined && shared === undefined) return undefined;
  const { maxAttempts, delayMs } = { ...shared, ...own };
  if (maxAttempts === 1) return false;
  return { ...(maxAttempts !== undefined && { maxAttempts }), ...(delayMs !== undefined && { delayMs }) };
}
