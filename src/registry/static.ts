import type { Endpoint } from "../core/endpoint.ts";
import { whatIs } from "../core/what-is.ts";
import { checkEndpoint } from "./announcement.ts";
import type { Registration, Registry, Snapshot } from "./registry.ts";

const nothingToDo: Registration = { registered: Promise.resolve(), close: async () => {} };

/**
 * A fixed list of servers, the same for every service. Nothing is written to it: a registration does nothing, and
 * `services()` is empty, since a list of addresses names no service.
 * @throws TypeError for an empty list, or an address that is none
 */
export function staticRegistry(endpoints: readonly (string | Endpoint)[]): Registry {
  const byAddress = new Map<string, Endpoint>();
  for (const [i, each] of endpoints.entries()) {
    const endpoint = typeof each === "string" ? { address: each } : each;
    if (typeof endpoint?.address !== "string") {
      throw new TypeError(`endpoints[${i}] is ${whatIs(each)}: give "host:port", or an object with such an address`);
    }
    checkEndpoint(endpoint);
    byAddress.set(endpoint.address, endpoint);
  }
  if (byAddress.size === 0) throw new TypeError("a static registry needs at least one endpoint");
  const snapshot: Snapshot = { endpoints: [...byAddress.values()], state: "current" };
  return {
    local: true,
    resolve(_service, listener) {
      listener(snapshot);
      return () => {};
    },
    register: () => nothingToDo,
    services: async () => [],
    close: async () => {},
  };
}
