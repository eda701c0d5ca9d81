import type { Endpoint } from "../core/endpoint.ts";

/**
 * The key of an endpoint's metadata that says which methods it serves: for each service its full name, a slash and its
 * methods with commas between; services are separated by spaces: `greeter.v1.Greeter/Hi,Bye admin.v1.Admin/Stop`.
 */
export const METHODS = "methods";

/** Beside the rest of a registration it is never what makes that too long for a registry. */
const longestText = 32 * 1024;

/** Writes the metadata of one service; empty where it would be over 32 KiB: then it is taken to have all methods. */
export function formatMethods(service: string, methods: readonly string[]): string {
  const text = `${service}/${methods.join(",")}`;
  return text.length <= longestText ? text : "";
}

/** The methods of a service that an endpoint says it serves; `undefined` where it does not say. */
export type MethodsOf = (endpoint: Endpoint) => ReadonlySet<string> | undefined;

/** A service with more is taken to have all methods. */
const mostMethods = 1_000;

/** Versions of a server that are kept apart: more than a rolling upgrade has. */
const mostKept = 64;

/**
 * Reads the methods of one service. Servers that serve the same have the very same set, whose text was read once, so that
 * a fleet costs what its versions do, and is compared by identity.
 */
export function createMethodsOf(service: string): MethodsOf {
  const byText = new Map<string, ReadonlySet<string> | undefined>();
  const byNames = new Map<string, ReadonlySet<string>>();

  function read(stated: string): ReadonlySet<string> | undefined {
    const prefix = `${service}/`;
    const mine = stated.split(" ").find((each) => each.startsWith(prefix));
    if (mine === undefined) return undefined;
    const names = mine.slice(prefix.length).split(",", mostMethods + 1);
    if (names.length > mostMethods) return undefined;
    names.sort();
    const key = names.join();
    const known = byNames.get(key) ?? new Set(names);
    byNames.set(key, known);
    return known;
  }

  return (endpoint) => {
    const stated = endpoint.metadata?.[METHODS];
    if (stated === undefined) return undefined;
    if (byText.has(stated)) return byText.get(stated);
    if (byText.size >= mostKept) {
      byText.clear();
      byNames.clear();
    }
    const methods = read(stated);
    byText.set(stated, methods);
    return methods;
  };
}
