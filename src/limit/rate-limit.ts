import { isBuiltIn } from "../core/built-in.ts";
import type { Call, Interceptor } from "../core/call.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { Code } from "../core/code.ts";
import { createFacts, type Facts } from "../core/facts.ts";
import type { Method } from "../core/method.ts";
import { atLeast, checkRanges } from "../core/number-range.ts";
import { checkKinds } from "../core/option-kinds.ts";
import { checkNames, type OptionNames } from "../core/option-names.ts";
import type { RpcError } from "../core/rpc-error.ts";
import { type LooksAtServed, namesOf, SERVED, servedName } from "../core/served.ts";
import { type CallerOf, callerOfConnection, callerOfKind } from "./caller.ts";
import { refusal } from "./refusal.ts";
import { type Buckets, createBuckets, type Rate } from "./token-bucket.ts";

export type { Rate } from "./token-bucket.ts";

export interface RateLimitOptions {
  /**
   * For methods by their full name (`greeter.v1.Greeter/SayHello`, with a slash before it or without), and for all
   * methods of a service together. A server that has none of that name says so in its log when it listens.
   */
  readonly perMethod?: Readonly<Record<string, Rate>> | undefined;
  /** For each caller. */
  readonly perCaller?: Rate | undefined;
  /**
   * Who calls. By default the certificate that the client showed, else the host that it calls from, of an IPv6 address
   * the network of 64 bits. Where a proxy stands between, take what it says instead. `undefined` is not limited.
   */
  readonly callerOf?: CallerOf | undefined;
  /**
   * Callers that are remembered; 10,000 by default. Beyond that one whose tokens are all there is forgotten, and while
   * there is none, callers that are not known share the tokens of one.
   */
  readonly maxCallers?: number | undefined;
  readonly clock?: Clock | undefined;
  /** A random number from 0 to 1; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

const names: OptionNames<RateLimitOptions> = {
  perMethod: true,
  perCaller: true,
  callerOf: true,
  maxCallers: true,
  clock: true,
  random: true,
};

/**
 * A server interceptor that gives methods and callers their share: token buckets. What is over is refused before any
 * work, with RESOURCE_EXHAUSTED and the time to wait in `grpc-retry-pushback-ms`. Health and reflection are never
 * refused. A call that one limit refuses takes no token of another.
 *
 * @throws TypeError for a rate that is not positive, a burst under 1, `maxCallers` under 1, or a name given twice
 */
export function rateLimit(options: RateLimitOptions): Interceptor {
  checkNames(options, names, "rateLimit");
  const { perMethod = {}, perCaller, callerOf = callerOfConnection, maxCallers = 10_000 } = options;
  const { clock = systemClock, random = Math.random } = options;
  checkRanges(options, { maxCallers: atLeast(1) });
  checkKinds(options, { callerOf: callerOfKind });
  // By the path of a method, or by the name of a service.
  const named = new Map<string, Buckets>();
  for (const [given, rate] of Object.entries(perMethod)) {
    const name = servedName(given);
    if (named.has(name)) throw new TypeError(`perMethod names ${name.replace(/^\//, "")} twice: give it one rate`);
    named.set(name, createBuckets(rate, 1));
  }
  let facts = createFacts();
  const callers = perCaller && createBuckets(perCaller, maxCallers);

  function take(call: Call): RpcError | undefined {
    const { service, path } = call.method;
    const nowMs = clock.now();
    const ofMethod = named.get(path);
    const ofService = named.get(service);
    const caller = callers && callerOf(call);
    const refused =
      tooMany(ofMethod, path, nowMs) ?? tooMany(ofService, service, nowMs) ?? tooMany(callers, caller, nowMs);
    if (refused !== undefined) return refused;
    ofMethod?.take(path, nowMs);
    ofService?.take(service, nowMs);
    if (caller !== undefined) callers?.take(caller, nowMs);
    return undefined;
  }

  function tooMany(buckets: Buckets | undefined, key: string | undefined, nowMs: number): RpcError | undefined {
    if (buckets === undefined || key === undefined) return undefined;
    const waitMs = buckets.waitMs(key, nowMs);
    if (waitMs === 0) return undefined;
    const message = `over the limit of ${buckets.rate.perSecond} calls a second for ${key}`;
    // The next token is for one: those that wait for it come back over some time, not together.
    return refusal(Code.RESOURCE_EXHAUSTED, message, waitMs * (1 + random()));
  }

  const interceptor: Interceptor = (next) => (call) => {
    const refused = isBuiltIn(call.method) ? undefined : take(call);
    if (refused === undefined) return next(call);
    const { method, caller } = call;
    const fields = { method: method.path, caller: caller?.address, reason: refused.message };
    facts.on["limit-refused"]?.({ limit: "rate", ...fields });
    return Promise.reject(refused);
  };
  return Object.assign(interceptor, {
    [SERVED](methods: readonly Method[], servers: Facts) {
      facts = servers;
      const names = namesOf(methods);
      const unknown = [...named.keys()].filter((name) => !names.has(name));
      if (unknown.length > 0) facts.on["names-unknown"]?.({ names: unknown });
    },
  } satisfies LooksAtServed);
}
