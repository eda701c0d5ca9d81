import { codeName } from "../core/code.ts";
import type { DeclaredHedge, DeclaredPolicy, DeclaredRetry } from "./declared-policy.ts";

/** What is wrong with a declaration: the number of the field in `trunkline.v1.Policy`, and the rest of the sentence. */
export interface Fault {
  readonly field: number;
  readonly text: string;
}

export const field = { timeout: 1, retry: 2, hedge: 3, maxRequestBytes: 4, maxResponseBytes: 5 } as const;

/** gRPC's A6: a client makes no more, whatever it is told. */
const mostAttempts = 5;

/** The most that every gRPC client can hold in its service config. */
const mostBytes = 0x7fffffff;

/** Finds values that no client could keep, in one declaration. */
export function checkValues(policy: DeclaredPolicy): Fault[] {
  return [
    ...checkBytes("max_request_bytes", policy.maxRequestBytes, field.maxRequestBytes),
    ...checkBytes("max_response_bytes", policy.maxResponseBytes, field.maxResponseBytes),
    ...(policy.retry === undefined ? [] : checkRetry(policy.retry)),
    ...(policy.hedge === undefined ? [] : checkAttempts("hedge", policy.hedge, field.hedge)),
    ...(isOn(policy.retry) && isOn(policy.hedge)
      ? [{ field: field.hedge, text: "declares both retry and hedge, which gRPC does not allow: remove one" }]
      : []),
  ];
}

/** False for what is not declared, and for one attempt, which says "never again". */
export function isOn(declared: DeclaredRetry | DeclaredHedge | undefined): boolean {
  return declared !== undefined && declared.maxAttempts !== 1;
}

function checkBytes(name: string, value: number | undefined, number: number): Fault[] {
  if (value === undefined || (value > 0 && value <= mostBytes)) return [];
  return [{ field: number, text: `declares ${name}: ${value}; give 1 to ${mostBytes}` }];
}

function checkAttempts(name: string, { maxAttempts }: DeclaredHedge, number: number): Fault[] {
  if (maxAttempts === undefined || (maxAttempts > 0 && maxAttempts <= mostAttempts)) return [];
  const text = `declares ${name}.max_attempts: ${maxAttempts}; give 1 (off) to ${mostAttempts}, the most that gRPC makes`;
  return [{ field: number, text }];
}

function checkRetry(retry: DeclaredRetry): Fault[] {
  const texts: string[] = [];
  if (retry.initialBackoffMs === 0) texts.push("retry.initial_backoff_ms: 0; give 1 or more");
  if (retry.maxBackoffMs === 0) texts.push("retry.max_backoff_ms: 0; give 1 or more");
  const multiplier = retry.backoffMultiplier;
  if (multiplier !== undefined && !(multiplier > 0 && Number.isFinite(multiplier))) {
    texts.push(`retry.backoff_multiplier: ${multiplier}; give a number above 0`);
  }
  for (const code of retry.codes) {
    if (code === 0) texts.push("retry.codes with OK, which is no failure: remove it");
    else if (codeName(code) === "UNKNOWN" && code !== 2)
      texts.push(`retry.codes with ${code}, which gRPC does not define`);
  }
  return [
    ...checkAttempts("retry", retry, field.retry),
    ...texts.map((text) => ({ field: field.retry, text: `declares ${text}` })),
  ];
}
