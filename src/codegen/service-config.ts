import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { DEFAULT_POLICY } from "../core/policies.ts";
import type { HedgePolicy, MethodPolicy, RetryPolicy } from "../core/policy.ts";

/**
 * A service's policy as gRPC's service config, for clients in other languages: methods with the same policy stand
 * together, and what a policy leaves out is written out. `undefined` where nothing is declared that it can say.
 * https://github.com/grpc/grpc/blob/master/doc/service_config.md
 */
export function renderServiceConfig(
  service: DescService,
  policies: ReadonlyMap<DescMethod, MethodPolicy>,
): string | undefined {
  const groups = new Map<string, { config: object; methods: string[] }>();
  for (const method of service.methods) {
    const config = methodConfig(policies.get(method) ?? {});
    if (Object.keys(config).length === 0) continue;
    const key = JSON.stringify(config);
    const group = groups.get(key) ?? { config, methods: [] };
    group.methods.push(method.name);
    groups.set(key, group);
  }
  if (groups.size === 0) return undefined;
  const configs = [...groups.values()].map(({ config, methods }) => ({
    name: methods.map((method) => ({ service: service.typeName, method })),
    ...config,
  }));
  const resends = configs.some((config) => "retryPolicy" in config || "hedgingPolicy" in config);
  return `${JSON.stringify({ methodConfig: configs, ...(resends && { retryThrottling }) }, undefined, 2)}\n`;
}

/** gRPC's A6 with the figures of Trunkline's own retry budget: at most a fifth of the calls that succeed. */
const retryThrottling = { maxTokens: 10, tokenRatio: 0.2 };

function methodConfig(policy: MethodPolicy): object {
  const { timeoutMs, retry, hedge, waitForReady, maxRequestBytes, maxResponseBytes } = policy;
  return {
    // In a service config no timeout is no deadline.
    ...(timeoutMs && { timeout: duration(timeoutMs) }),
    ...(waitForReady !== undefined && { waitForReady }),
    ...(maxRequestBytes !== undefined && { maxRequestMessageBytes: maxRequestBytes }),
    ...(maxResponseBytes !== undefined && { maxResponseMessageBytes: maxResponseBytes }),
    ...(retry && { retryPolicy: retryPolicy({ ...DEFAULT_POLICY.retry, ...retry }) }),
    ...(hedge && { hedgingPolicy: hedgingPolicy({ ...DEFAULT_POLICY.hedge, ...hedge }) }),
  };
}

function retryPolicy(retry: Required<RetryPolicy>): object {
  return {
    maxAttempts: retry.maxAttempts,
    initialBackoff: duration(retry.initialBackoffMs),
    maxBackoff: duration(retry.maxBackoffMs),
    backoffMultiplier: retry.backoffMultiplier,
    retryableStatusCodes: retry.retryableCodes,
  };
}

function hedgingPolicy(hedge: Required<HedgePolicy>): object {
  return {
    maxAttempts: hedge.maxAttempts,
    hedgingDelay: duration(hedge.delayMs),
    nonFatalStatusCodes: DEFAULT_POLICY.retry.retryableCodes,
  };
}

/** As protobuf's JSON has it: `0.050s`. */
function duration(milliseconds: number): string {
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${(milliseconds / 1000).toFixed(3)}s`;
}
