import { checkNames } from "../core/option-names.ts";
import type { Peer } from "../core/transport.ts";
import type { Balancer } from "./balancer.ts";
import { twoChoices } from "./two-choices.ts";

export interface LeastLoadedOptions {
  /** A random number from 0 to 1; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

const inflight = (peer: Peer): number => peer.inflight;

/** The peer with fewer calls in flight, of two chosen at random. */
export function leastLoaded(options: LeastLoadedOptions = {}): Balancer {
  checkNames(options, { random: true }, "leastLoaded");
  const { random = Math.random } = options;
  return (peers) => twoChoices(peers, inflight, random);
}
