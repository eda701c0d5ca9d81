import type { Interceptor } from "./call.ts";
import type { Facts } from "./facts.ts";
import type { Method } from "./method.ts";

/** Under this a server's interceptor has a function that is told what the server has, before it listens. */
export const SERVED: unique symbol = Symbol.for("trunkline.served");

/** An interceptor that must know what it stands around: its options name methods, or it asks something of them. */
export interface LooksAtServed {
  /**
   * `facts` are the server's; `address` is where it is about to listen, and its port may be 0. What it throws keeps the
   * server from listening.
   */
  [SERVED](methods: readonly Method[], facts: Facts, address: string): void;
}

/** @param around each interceptor with the methods that it stands around */
export function showServed(
  around: ReadonlyMap<Interceptor & Partial<LooksAtServed>, readonly Method[]>,
  facts: Facts,
  address: string,
): void {
  for (const [interceptor, methods] of around) interceptor[SERVED]?.(methods, facts, address);
}

/** The names by which options may mean methods: those of their services, and their paths. */
export function namesOf(methods: readonly Method[]): ReadonlySet<string> {
  return new Set(methods.flatMap(({ service, path }) => [service, path]));
}

/** What options call a method, with a slash before it or without, or a service: as `namesOf` has it. */
export function servedName(given: string): string {
  const bare = given.replace(/^\//, "");
  return bare.includes("/") ? `/${bare}` : bare;
}
