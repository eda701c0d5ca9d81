import type { RetryPolicy } from "../core/policy.ts";

/**
 * Milliseconds to wait before the retry `n`, 1 being the first: min(initial x multiplier^(n-1), max) x rand(0.8, 1.2),
 * as in gRPC's A6. https://github.com/grpc/proposal/blob/master/A6-client-retries.md#exponential-backoff
 */
export function backoffMs(policy: Required<RetryPolicy>, n: number, random: () => number): number {
  const fullMs = Math.min(policy.initialBackoffMs * policy.backoffMultiplier ** (n - 1), policy.maxBackoffMs);
  return fullMs * (0.8 + 0.4 * random());
}
