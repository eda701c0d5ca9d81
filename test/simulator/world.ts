import { Payload } from "../../gen/probe/v1/probe.ts";
import { balance } from "../../src/balance/balance.ts";
import type { Balancer } from "../../src/balance/balancer.ts";
import { type BreakerOptions, breaker } from "../../src/breaker/breaker.ts";
import { Call, type Handler, intercept } from "../../src/core/call.ts";
import type { CodeName } from "../../src/core/code.ts";
import type { Metadata } from "../../src/core/metadata.ts";
import { defineService, unary } from "../../src/core/method.ts";
import { policies } from "../../src/core/policies.ts";
import type { MethodPolicy } from "../../src/core/policy.ts";
import { RpcError } from "../../src/core/rpc-error.ts";
import type { Resolver } from "../../src/registry/registry.ts";
import { staticRegistry } from "../../src/registry/static.ts";
import { type RetryBudget, retryBudget } from "../../src/retry/budget.ts";
import { retry } from "../../src/retry/retry.ts";
import { exponential, type Random, seeded } from "./random.ts";
import { createServer, type Server } from "./server.ts";
import { type VirtualClock, virtualClock } from "./virtual-clock.ts";

/** A service whose contract leaves every policy to the defaults. */
const { read, write } = defineService("simulated.v1.Simulated", {
  read: unary("Read", Payload, Payload, { idempotency: "NO_SIDE_EFFECTS" }),
  write: unary("Write", Payload, Payload),
}).methods;

export interface WorldOptions {
  readonly seed?: number | undefined;
  readonly servers: number;
  readonly slots?: number | undefined;
  readonly meanMs?: number | undefined;
  /** How many of them take twice as long; their registration gives them half of the weight. */
  readonly slow?: number | undefined;
}

/** Servers, a clock and the chance that rules them. */
export interface World {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly servers: readonly Server[];
  /** Calls a second that all servers can answer together. */
  readonly capacity: number;
}

export function createWorld(options: WorldOptions): World {
  const { seed = 1, slots = 4, meanMs = 20, slow = 0 } = options;
  const clock = virtualClock();
  const random = seeded(seed);
  const servers = Array.from({ length: options.servers }, (_, i) => {
    const address = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:50051`;
    const metadata = { weight: i < slow ? "0.5" : "1", zone: "abc".charAt(i % 3) };
    const server = createServer({ address, metadata }, { clock, random, slots, meanMs });
    if (i < slow) server.slowdown = 2;
    return server;
  });
  const capacity = ((options.servers - slow / 2) * slots * 1_000) / meanMs;
  return { clock, random, servers, capacity };
}

export interface ClientOptions {
  readonly balancer: (random: Random) => Balancer;
  readonly breaker?: BreakerOptions | false | undefined;
  readonly policy?: MethodPolicy | undefined;
  readonly budget?: RetryBudget | undefined;
  /** Shows the client fewer servers than there are. */
  readonly narrow?: ((resolver: Resolver) => Resolver) | undefined;
}

/** A client's stack over these servers, put together as `createChannel` does, on the world's clock and chance. */
export function createClient({ clock, random }: World, servers: readonly Server[], options: ClientOptions): Handler {
  const byAddress = new Map(servers.map((server) => [server.endpoint.address, server]));
  const { narrow = (resolver) => resolver } = options;
  const circuit = options.breaker === false ? false : { clock, random, ...options.breaker };
  const toService = balance({
    resolver: narrow(staticRegistry(servers.map(({ endpoint }) => endpoint))),
    balancer: options.balancer(random),
    clock,
    random,
    connect: (endpoint, changed) => breaker((byAddress.get(endpoint.address) as Server).connect(), circuit, changed),
  });
  const { budget = retryBudget({ clock }) } = options;
  return intercept(toService.handle, [retry({ policyOf: policies(options.policy), budget, clock, random })]);
}

export interface LoadOptions {
  readonly perSecond: number;
  readonly durationMs: number;
  readonly timeoutMs?: number | undefined;
  /** The part of the calls that is to a method declared idempotent; all by default. */
  readonly idempotent?: number | undefined;
  /** What a call carries. */
  readonly metadata?: (() => Metadata) | undefined;
  /** What happens meanwhile, by the millisecond that it happens at. */
  readonly events?: Readonly<Record<number, () => void>> | undefined;
}

/** What became of a call. */
export interface Outcome {
  readonly startedMs: number;
  readonly latencyMs: number;
  readonly code: CodeName;
  readonly idempotent: boolean;
}

/** Clients call at random, together `perSecond`, as many users do: not waiting for one answer before the next call. */
export async function load(world: World, clients: readonly Handler[], options: LoadOptions): Promise<Outcome[]> {
  const { clock, random } = world;
  const { perSecond, durationMs, timeoutMs = 1_000, idempotent = 1, events = {}, metadata } = options;
  const outcomes: Outcome[] = [];
  const beganMs = clock.now();

  function arrive(): void {
    if (clock.now() >= beganMs + durationMs) return;
    void call(random() < idempotent);
    clock.setTimeout(arrive, exponential(1_000 / perSecond, random));
  }

  async function call(safe: boolean): Promise<void> {
    const method = safe ? read : write;
    const startedMs = clock.now();
    const handle = clients[Math.floor(random() * clients.length)] as Handler;
    const init = { method, request: {}, deadline: startedMs + timeoutMs };
    const code = await handle(new Call(metadata === undefined ? init : { ...init, metadata: metadata() })).then(
      () => "OK" as const,
      (error) => RpcError.from(error).codeName,
    );
    outcomes.push({ startedMs: startedMs - beganMs, latencyMs: clock.now() - startedMs, code, idempotent: safe });
  }

  for (const [atMs, event] of Object.entries(events)) clock.setTimeout(event, Number(atMs));
  // opossum knows only the global timers.
  const giveBack = clock.takeGlobals();
  try {
    arrive();
    await clock.advance(durationMs + timeoutMs);
  } finally {
    giveBack();
  }
  return outcomes;
}

/** The calls that began from one millisecond to another. */
export function between(outcomes: readonly Outcome[], fromMs: number, untilMs: number): Outcome[] {
  return outcomes.filter(({ startedMs }) => startedMs >= fromMs && startedMs < untilMs);
}

/** The part of these calls that failed. */
export function lost(outcomes: readonly Outcome[]): number {
  return outcomes.filter(({ code }) => code !== "OK").length / Math.max(1, outcomes.length);
}

/** The latency that `part` of the calls that were answered stay under, 0 to 1. */
export function percentileMs(outcomes: readonly Outcome[], part: number): number {
  const answered = outcomes.filter(({ code }) => code === "OK");
  const sorted = Float64Array.from(answered, ({ latencyMs }) => latencyMs).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

/** Calls that have arrived at these servers. */
export function arrivals(servers: readonly Server[]): number {
  return servers.reduce((sum, server) => sum + server.arrived, 0);
}
