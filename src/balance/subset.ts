import type { Endpoint } from "../core/endpoint.ts";
import type { Resolver } from "../registry/registry.ts";
import { hash } from "./hash.ts";

export interface SubsetOptions {
  /** How many servers this client connects to; where there are no more, to all. */
  readonly size: number;
  /** Names this client among all: its host and process, say. The same name gives the same subset. */
  readonly client: string;
}

/**
 * Shows a client a part of a large fleet, so that a thousand clients of a thousand servers do not hold a million
 * connections. Each client ranks the servers by a hash of its own name and theirs and takes the first `size`
 * (rendezvous hashing, as in gRPC's A68: https://github.com/grpc/proposal/blob/master/A68-random-subsetting.md). A
 * server that comes or goes changes at most one of the subset.
 *
 * Even spread is a matter of chance. Where clients x size is a hundred times the number of servers, each server has
 * within about a quarter of the average; with fewer clients the differences are larger.
 *
 * @throws TypeError for a size that is no positive integer
 */
export function subset(resolver: Resolver, { size, client }: SubsetOptions): Resolver {
  if (!Number.isInteger(size) || size < 1) throw new TypeError(`subset size ${size}: give a positive integer`);
  const seed = hash(client);
  const choose = (endpoints: readonly Endpoint[]): readonly Endpoint[] => {
    if (endpoints.length <= size) return endpoints;
    return endpoints
      .map((endpoint) => ({ endpoint, rank: hash(endpoint.address, seed) }))
      .sort((a, b) => a.rank - b.rank || (a.endpoint.address < b.endpoint.address ? -1 : 1))
      .slice(0, size)
      .map(({ endpoint }) => endpoint);
  };
  return {
    resolve: (service, listener) =>
      resolver.resolve(service, (snapshot) => listener({ ...snapshot, endpoints: choose(snapshot.endpoints) })),
  };
}
