import type { Endpoint } from "../core/endpoint.ts";
import { plainAddresses } from "../core/grpc-address.ts";
import { shownAs } from "../core/shown-as.ts";
import { whatIs } from "../core/what-is.ts";
import { checkEndpoint } from "./announcement.ts";
import type { Registration, Registry, Snapshot } from "./registry.ts";

const nothingToDo: Registration = { registered: Promise.resolve(), close: async () => {} };

/**
 * A fixed list of servers, the same for every service. Nothing is written to it: a registration does nothing, and
 * `services()` is empty, since a list of addresses names no service. An address may be written as gRPC does:
 * `dns:///host:port`, `ipv4:10.0.0.5:50051,10.0.0.6:50051`.
 * @throws TypeError for an empty list, or an address that is none
 */
export function staticRegistry(endpoints: readonly (string | Endpoint)[]): Registry {
  if (!Array.isArray(endpoints)) {
    throw new TypeError(`the endpoints of a static registry are ${whatIs(endpoints)}: give a list: ["host:port"]`);
  }
  const byAddress = new Map<string, Endpoint>();
  for (const [i, each] of endpoints.entries()) {
    const endpoint = typeof each === "string" ? { address: each } : each;
    if (typeof endpoint?.address !== "string") {
      throw new TypeError(`endpoints[${i}] is ${whatIs(each)}: give "host:port", or an object with such an address`);
    }
    for (const address of plainAddresses(endpoint.address)) {
      const plain = address === endpoint.address ? endpoint : { ...endpoint, address };
      checkEndpoint(plain);
      byAddress.set(address, plain);
    }
  }
  if (byAddress.size === 0) throw new TypeError("a static registry needs at least one endpoint");
  const snapshot: Snapshot = { endpoints: [...byAddress.values()], state: "current" };
  const registry: Registry = {
    local: true,
    resolve(_service, listener) {
      listener(snapshot);
      return () => {};
    },
    register: () => nothingToDo,
    services: async () => [],
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
  return shownAs(registry, "Registry", () => ({ endpoints: [...byAddress.keys()] }));
}
