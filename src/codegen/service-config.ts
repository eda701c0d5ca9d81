import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { MethodPolicy } from "../core/policy.ts";

/**
 * A service's policy as gRPC's service config, for clients in other languages.
 * https://github.com/grpc/grpc/blob/master/doc/service_config.md. `undefined` where nothing is declared that it can say.
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

/** gRPC's A6 in the figures of Trunkline's retry budget: a fifth of the calls, and none while half of the tokens are gone. */
const retryThrottling = { maxTokens: 10, tokenRatio: 0.2 };

function methodConfig({ timeoutMs, retry, hedge, maxRequestBytes, maxResponseBytes }: MethodPolicy): object {
  return {
    // In a service config no timeout is no deadline.
    ...(timeoutMs && { timeout: duration(timeoutMs) }),
    ...(maxRequestBytes !== undefined && { maxRequestMessageBytes: maxRequestBytes }),
    ...(maxResponseBytes !== undefined && { maxResponseMessageBytes: maxResponseBytes }),
    ...(retry && {
      retryPolicy: {
        maxAttempts: retry.maxAttempts,
        initialBackoff: duration(retry.initialBackoffMs ?? 0),
        maxBackoff: duration(retry.maxBackoffMs ?? 0),
        backoffMultiplier: retry.backoffMultiplier,
        retryableStatusCodes: retry.retryableCodes,
      },
    }),
    ...(hedge && {
      hedgingPolicy: {
        maxAttempts: hedge.maxAttempts,
        hedgingDelay: duration(hedge.delayMs ?? 0),
        nonFatalStatusCodes: ["UNAVAILABLE"],
      },
    }),
  };
}

/** As protobuf's JSON has it: `0.050s`. */
function duration(milliseconds: number): string {
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${(milliseconds / 1000).toFixed(3)}s`;
}
