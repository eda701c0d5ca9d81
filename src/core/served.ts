import type { Interceptor } from "./call.ts";
import type { Logger } from "./logger.ts";
import type { Method, Service } from "./method.ts";

/** Under this a server's interceptor has a function that is told what the server has, before it listens. */
export const SERVED: unique symbol = Symbol.for("trunkline.served");

/** An interceptor whose options name methods or services, and may name some that there are not. */
export interface LooksAtServed {
  /** `names` are those of the services, and the paths of their methods. */
  [SERVED](names: ReadonlySet<string>, logger: Logger): void;
}

export function showServed(
  interceptors: readonly (Interceptor & Partial<LooksAtServed>)[],
  services: readonly Service<any>[],
  logger: Logger,
): void {
  const methods = services.flatMap((each) => Object.values(each.methods as Record<string, Method>));
  const names = new Set([...services.map(({ name }) => name), ...methods.map(({ path }) => path)]);
  for (const each of interceptors) each[SERVED]?.(names, logger);
}
