import type { Endpoint } from "../core/endpoint.ts";

/**
 * The key of an endpoint's metadata that says which methods it serves: for each service its full name, a slash and its
 * methods with commas between; services are separated by spaces: `greeter.v1.Greeter/Hi,Bye admin.v1.Admin/Stop`.
 */
export const METHODS = "methods";

/** Writes the metadata: the names of the methods, by the full name of their service. */
export function formatMethods(services: Iterable<readonly [service: string, methods: readonly string[]]>): string {
  return [...services].map(([service, methods]) => `${service}/${methods.join(",")}`).join(" ");
}

/** The methods of a service that an endpoint says it serves; `undefined` where it does not say. */
export function methodsOf(endpoint: Endpoint, service: string): ReadonlySet<string> | undefined {
  const stated = endpoint.metadata?.[METHODS];
  if (stated === undefined) return undefined;
  const prefix = `${service}/`;
  const mine = stated.split(" ").find((each) => each.startsWith(prefix));
  return mine === undefined ? undefined : new Set(mine.slice(prefix.length).split(","));
}
