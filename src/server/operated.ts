import type { Interceptor } from "../core/call.ts";
import type { Facts } from "../core/facts.ts";
import { overrideLevel } from "../core/log-level.ts";
import type { Logger } from "../core/logger.ts";
import type { Method, Service } from "../core/method.ts";
import { EVERY_SERVICE, type PolicySource } from "../core/policy-source.ts";
import { type LooksAtServed, SERVED } from "../core/served.ts";
import type { ServicePolicy } from "../core/service-policy.ts";
import { type Rate, rateLimit } from "../limit/rate-limit.ts";
import type { Gate } from "./route.ts";

/** What operators say of a server while it runs: its gate refuses what is over their limits. */
export interface OperatedServer extends Gate {
  /** Follows what is said of these services, which are served at this address, from now on. */
  start(services: readonly Service<any>[], address: string): void;
  stop(): void;
}

interface Limited {
  /** The limits as they were said. */
  readonly said: string;
  readonly limiter: Interceptor & Partial<LooksAtServed>;
}

export function operatedServer(source: PolicySource, facts: Facts, logger: Logger | undefined): OperatedServer {
  const limited = new Map<string, Limited>();
  let stop: (() => void) | undefined;

  function limit(service: Service<any>, policy: ServicePolicy | undefined, address: string): void {
    const limits = policy && limitsOf(service.name, policy);
    const said = JSON.stringify(limits);
    // Who says nothing new leaves the tokens as they are.
    if (limited.get(service.name)?.said === said) return;
    if (limits === undefined) limited.delete(service.name);
    else {
      const limiter: Limited["limiter"] = rateLimit(limits);
      limiter[SERVED]?.(Object.values(service.methods as Record<string, Method>), facts, address);
      limited.set(service.name, { said, limiter });
    }
  }

  return {
    wanted: (service) => limited.has(service),
    interceptor(next) {
      let limiter: Interceptor | undefined;
      let handler = next;
      return (call) => {
        const latest = limited.get(call.method.service)?.limiter;
        if (latest !== limiter) {
          limiter = latest;
          handler = latest === undefined ? next : latest(next);
        }
        return handler(call);
      };
    },
    start(services, address) {
      stop = source.watch(({ policies }) => {
        for (const service of services) limit(service, policies.get(service.name)?.policy, address);
        overrideLevel(logger, policies.get(EVERY_SERVICE)?.policy.logLevel);
      }, facts);
    },
    stop: () => stop?.(),
  };
}

/** `undefined` where none is said. */
function limitsOf(service: string, { rateLimit: rate, rateLimitPerCaller: perCaller, methods = {} }: ServicePolicy) {
  const named: [string, Rate | undefined][] = [
    [service, rate],
    ...Object.entries(methods).map(([name, method]): [string, Rate | undefined] => [
      `${service}/${name}`,
      method.rateLimit,
    ]),
  ];
  const perMethod = Object.fromEntries(named.filter((entry): entry is [string, Rate] => entry[1] !== undefined));
  if (perCaller === undefined && Object.keys(perMethod).length === 0) return undefined;
  return { perMethod, ...(perCaller && { perCaller }) };
}
