import { checkNames } from "../core/option-names.ts";
import type { Balancer } from "./balancer.ts";

export interface RoundRobinOptions {
  /** A random number from 0 to 1; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

/** One peer after the other. It starts anywhere, so that many clients that start together do not call one server. */
export function roundRobin(options: RoundRobinOptions = {}): Balancer {
  checkNames(options, { random: true }, "roundRobin");
  const { random = Math.random } = options;
  return (peers) => {
    let next = Math.floor(random() * peers.length);
    return () => {
      const peer = peers[next];
      next = next + 1 < peers.length ? next + 1 : 0;
      return peer;
    };
  };
}
