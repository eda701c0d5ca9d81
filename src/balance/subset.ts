import { systemClock } from "../core/clock.ts";
import { checkKind, text } from "../core/option-kinds.ts";
import { checkNames } from "../core/option-names.ts";
import { createPace } from "../core/pace.ts";
import type { Resolver, Snapshot } from "../registry/registry.ts";
import { hash } from "./hash.ts";
import { createRanking } from "./ranking.ts";

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
 * server that comes or goes changes at most one of the subset, and one that is not in it changes nothing: no snapshot is
 * handed on.
 *
 * Even spread is a matter of chance. Where clients x size is a hundred times the number of servers, each server has
 * within about a quarter of the average; with fewer clients the differences are larger.
 *
 * @throws TypeError for a size that is no positive integer, or a client without a name
 */
export function subset(resolver: Resolver, options: SubsetOptions): Resolver {
  checkNames(options, { size: true, client: true }, "subset");
  const { size, client } = options;
  if (!Number.isInteger(size) || size < 1) throw new TypeError(`subset size ${size}: give a positive integer`);
  checkKind("client of subset", client, text);
  const seed = hash(client);
  return {
    local: resolver.local,
    resolve(service, listener) {
      let heard: Snapshot | undefined;
      let told: Snapshot | undefined;
      const ranking = createRanking(size, seed);
      const choosing = createPace(() => {
        if (heard === undefined) return 0;
        const { lowest, items } = ranking.of(heard.endpoints);
        const chosen = { ...heard, endpoints: lowest };
        if (told === undefined || !isSame(told, chosen)) {
          told = chosen;
          listener(chosen);
        }
        return items;
      }, systemClock);
      const stop = resolver.resolve(service, (snapshot) => {
        heard = snapshot;
        choosing.ask();
      });
      return () => {
        choosing.stop();
        stop();
      };
    },
  };
}

function isSame(one: Snapshot, other: Snapshot): boolean {
  if (one.state !== other.state || one.reason !== other.reason || one.incomplete !== other.incomplete) return false;
  if (one.endpoints.length !== other.endpoints.length) return false;
  return one.endpoints.every((endpoint, i) => endpoint === other.endpoints[i]);
}
