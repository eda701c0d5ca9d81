import type { Interceptor } from "./call.ts";
import type { Method, Methods, Service } from "./method.ts";
import { checkNames, type OptionNames } from "./option-names.ts";

/** Interceptors for one service, beside those of its whole channel or server. */
export interface ServiceInterceptors<M = Methods> {
  /** Around every method of the service; the first is the outermost. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** Around single methods, by their names in TypeScript: `{ remove: [onlyAdmins] }`. */
  readonly methodInterceptors?: { readonly [K in keyof M]?: readonly Interceptor[] | undefined } | undefined;
}

/** Interceptors of a service, and those of one of its methods. */
export interface OfMethod {
  readonly ofService: readonly Interceptor[];
  readonly ofMethod: readonly Interceptor[];
}

const names: OptionNames<ServiceInterceptors> = { interceptors: true, methodInterceptors: true };

/** @throws TypeError that names an option that there is not; `of` says whose */
export function checkInterceptorNames(given: ServiceInterceptors<any>, of: string): void {
  checkNames(given, names, of);
}

/**
 * Finds the interceptors of a method by its name in TypeScript.
 * @throws TypeError that names what is no list of interceptors, or a method that the service has not
 */
export function interceptorsOf(
  service: Service<any>,
  { interceptors = [], methodInterceptors = {} }: ServiceInterceptors<any>,
): (key: string) => OfMethod {
  checkInterceptors(interceptors, `interceptors of ${service.name}`);
  const known = Object.keys(service.methods as Record<string, Method>);
  const perMethod = new Map<string, readonly Interceptor[]>();
  for (const [key, given] of Object.entries<readonly Interceptor[] | undefined>(methodInterceptors)) {
    if (given === undefined) continue;
    if (!known.includes(key)) {
      throw new TypeError(
        `methodInterceptors names ${key}, and ${service.name} has no such method; it has: ${known.join(", ")}`,
      );
    }
    checkInterceptors(given, `methodInterceptors.${key} of ${service.name}`);
    perMethod.set(key, given);
  }
  return (key) => ({ ofService: interceptors, ofMethod: perMethod.get(key) ?? [] });
}

/** @throws TypeError that names what is no list of functions */
export function checkInterceptors(given: unknown, name: string): void {
  if (Array.isArray(given) && given.every((each) => typeof each === "function")) return;
  throw new TypeError(`${name} must be a list of interceptors: [(next) => (call) => next(call)]`);
}
