import type { Balancer } from "./balancer.ts";

export interface RoundRobinOptions {
  /** A random number from 0 to 1; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

/** One peer after the other. It starts anywhere, so that many clients that start together do not call one server. */
export function roundRobin({ random = Math.random }: RoundRobinOptions = {}): Balancer {
  return (peers) => {
    let next = Math.floor(random() * peers.length);
    return () => {
      const peer = peers[next];
      next = next + 1 < peers.length ? next + 1 : 0;
      return peer;
    };
  };
}
