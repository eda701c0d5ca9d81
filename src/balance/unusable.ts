import type { Endpoint } from "../core/endpoint.ts";
import type { Facts } from "../core/facts.ts";
import { isUnixAddress } from "../core/grpc-address.ts";

export interface UnusableOptions {
  readonly service: string;
  readonly unixAddresses: boolean;
  readonly facts: Facts;
}

/** Endpoints that are listed and cannot be used, each told of once. */
export interface Unusable {
  readonly size: number;
  /** Of the first of them, where there is one. */
  readonly reason: string | undefined;
  hasAddress(address: string): boolean;
  /** True where the policy says so, and then it is one of them. */
  excludes(endpoint: Endpoint): boolean;
  add(endpoint: Endpoint, error: unknown): void;
  /** No longer listed. */
  delete(endpoint: Endpoint): void;
  /** Only these are listed. */
  keep(endpoints: ReadonlyMap<string, Endpoint>): void;
}

export function createUnusable({ service, unixAddresses, facts }: UnusableOptions): Unusable {
  const those = new Map<string, { readonly endpoint: Endpoint; readonly reason: string }>();
  let warned = false;

  return {
    get size() {
      return those.size;
    },
    get reason() {
      return those.values().next().value?.reason;
    },
    hasAddress: (address) => those.has(address),
    excludes(endpoint) {
      const { address } = endpoint;
      if (unixAddresses || !isUnixAddress(address)) return false;
      const reason = "unix: addresses of a registry are connected to only with unixAddresses: true";
      // Once: the registry could say it of any number.
      if (!warned) facts.on["endpoint-left-out"]?.({ service, address, reason });
      warned = true;
      those.set(address, { endpoint, reason });
      return true;
    },
    add(endpoint, error) {
      const { address } = endpoint;
      facts.on["endpoint-unusable"]?.({ service, address, error });
      those.set(address, { endpoint, reason: (error as Error).message });
    },
    delete(endpoint) {
      if (those.get(endpoint.address)?.endpoint === endpoint) those.delete(endpoint.address);
    },
    keep(endpoints) {
      for (const [address, { endpoint }] of those) if (endpoints.get(address) !== endpoint) those.delete(address);
    },
  };
}
