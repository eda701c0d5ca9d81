import type { DescMethod, DescService, Registry } from "@bufbuild/protobuf";
import { codeName } from "../core/code.ts";
import type { HedgePolicy, MethodPolicy, RetryPolicy } from "../core/policy.ts";
import { findSource } from "./comments.ts";
import {
  type DeclaredHedge,
  type DeclaredPolicy,
  type DeclaredRetry,
  declaredPolicy,
  optionNumber,
} from "./declared-policy.ts";
import { checkValues, type Fault, field, isOn } from "./policy-check.ts";

// The defaults that options.proto states, written out so that every client of the contract does the same.
const defaultRetry = { maxAttempts: 3, initialBackoffMs: 50, maxBackoffMs: 1_000, backoffMultiplier: 2 } as const;
const defaultCodes = [14];
const defaultHedgeAttempts = 2;

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
    for (const fault of faults) problems.push(`${placeOf(of, fault.field)}: ${nameOf(of)} ${fault.text}`);
  }

  const shared = declaredPolicy(service, registry);
  if (shared !== undefined) report(service, [...checkValues(shared), ...checkUse(service, shared)]);
  for (const method of service.methods) {
    const own = declaredPolicy(method, registry);
    if (own !== undefined) report(method, [...checkValues(own), ...checkSafe(method, own)]);
    if (own === undefined && shared === undefined) continue;
    const joined = join(method, own ?? {}, shared ?? {});
    if (problems.length === 0) report(method, checkJoined(joined));
    if (Object.keys(joined).length > 0) policies.set(method, joined);
  }
  return { policies, problems };
}

/** True for a method that may be sent twice. */
function isIdempotent(method: DescMethod): boolean {
  return method.idempotency !== 0;
}

function checkSafe(method: DescMethod, policy: DeclaredPolicy): Fault[] {
  if (isIdempotent(method)) return [];
  return (["retry", "hedge"] as const)
    .filter((name) => isOn(policy[name]))
    .map((name) => ({
      field: field[name],
      text:
        `declares ${name}, but is not declared safe to send twice: add "option idempotency_level = IDEMPOTENT;" ` +
        `(or NO_SIDE_EFFECTS) if it is, else remove the ${name}`,
    }));
}

function checkUse(service: DescService, policy: DeclaredPolicy): Fault[] {
  if (service.methods.some(isIdempotent)) return [];
  return (["retry", "hedge"] as const)
    .filter((name) => isOn(policy[name]))
    .map((name) => ({
      field: field[name],
      text:
        `declares ${name}, but none of its methods is declared safe to send twice: add ` +
        `"option idempotency_level = IDEMPOTENT;" (or NO_SIDE_EFFECTS) to those that are, else remove the ${name}`,
    }));
}

function checkJoined({ retry, hedge }: MethodPolicy): Fault[] {
  const faults: Fault[] = [];
  if (retry && (retry.initialBackoffMs ?? 0) > (retry.maxBackoffMs ?? 0)) {
    const text = `has retry.initial_backoff_ms ${retry.initialBackoffMs} above retry.max_backoff_ms ${retry.maxBackoffMs}`;
    faults.push({ field: field.retry, text: `${text}: raise max_backoff_ms or lower initial_backoff_ms` });
  }
  if (hedge && hedge.delayMs === undefined) {
    faults.push({
      field: field.hedge,
      text: "declares hedge without delay_ms: say how long to wait for an answer first",
    });
  }
  return faults;
}

function join(method: DescMethod, own: DeclaredPolicy, shared: DeclaredPolicy): MethodPolicy {
  // A service's timeout would cut its long streams, and its retry would send twice what must not be.
  const timeoutMs = own.timeoutMs ?? (method.methodKind === "unary" ? shared.timeoutMs : undefined);
  const resend = isIdempotent(method) ? shared : {};
  const retry = joinRetry(own.retry, isOn(own.hedge) ? undefined : resend.retry);
  const hedge = joinHedge(own.hedge, isOn(own.retry) ? undefined : resend.hedge);
  const maxRequestBytes = own.maxRequestBytes ?? shared.maxRequestBytes;
  const maxResponseBytes = own.maxResponseBytes ?? shared.maxResponseBytes;
  return {
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retry !== undefined && { retry }),
    ...(hedge !== undefined && { hedge }),
    ...(maxRequestBytes !== undefined && { maxRequestBytes }),
    ...(maxResponseBytes !== undefined && { maxResponseBytes }),
  };
}

function joinRetry(own: DeclaredRetry | undefined, shared: DeclaredRetry | undefined): RetryPolicy | false | undefined {
  if (own === undefined && shared === undefined) return undefined;
  const maxAttempts = own?.maxAttempts ?? shared?.maxAttempts ?? defaultRetry.maxAttempts;
  if (maxAttempts === 1) return false;
  const codes = [own?.codes, shared?.codes].find((each) => each !== undefined && each.length > 0) ?? defaultCodes;
  return {
    maxAttempts,
    initialBackoffMs: own?.initialBackoffMs ?? shared?.initialBackoffMs ?? defaultRetry.initialBackoffMs,
    maxBackoffMs: own?.maxBackoffMs ?? shared?.maxBackoffMs ?? defaultRetry.maxBackoffMs,
    backoffMultiplier: own?.backoffMultiplier ?? shared?.backoffMultiplier ?? defaultRetry.backoffMultiplier,
    retryableCodes: [...new Set(codes)].map(codeName),
  };
}

function joinHedge(own: DeclaredHedge | undefined, shared: DeclaredHedge | undefined): HedgePolicy | false | undefined {
  if (own === undefined && shared === undefined) return undefined;
  const maxAttempts = own?.maxAttempts ?? shared?.maxAttempts ?? defaultHedgeAttempts;
  if (maxAttempts === 1) return false;
  const delayMs = own?.delayMs ?? shared?.delayMs;
  return { maxAttempts, ...(delayMs !== undefined && { delayMs }) };
}

function nameOf(of: DescMethod | DescService): string {
  return of.kind === "rpc" ? `${of.parent.typeName}.${of.name}` : of.typeName;
}

function placeOf(of: DescMethod | DescService, number: number): string {
  const service = of.kind === "rpc" ? of.parent : of;
  const path = [6, service.file.services.indexOf(service)];
  if (of.kind === "rpc") path.push(2, service.methods.indexOf(of), 4, optionNumber, number);
  else path.push(3, optionNumber, number);
  return findSource(service.file, path).at;
}
