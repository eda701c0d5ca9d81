import type { Interceptor } from "./call.ts";
import type { Logger } from "./logger.ts";

/** Under this a server's interceptor has a function that is told what the server has, before it listens. */
export const SERVED: unique symbol = Symbol.for("trunkline.served");

/** An interceptor whose options name methods or services, and may name some that there are not. */
export interface LooksAtServed {
  /** `names` are those of the services, and the paths of their methods. */
  [SERVED](names: ReadonlySet<string>, logger: Logger): void;
}

/** @param around each interceptor with the names of what it stands around */
export function showServed(
  around: ReadonlyMap<Interceptor & Partial<LooksAtServed>, ReadonlySet<string>>,
  logger: Logger,
): void {
  for (const [interceptor, names] of around) interceptor[SERVED]?.(names, logger);
}
