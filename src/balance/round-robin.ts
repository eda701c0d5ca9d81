import type { Balancer } from "./balancer.ts";
export const roundRobin = (): Balancer => (peers) => {
  let i = 0;
  return () => peers[i++ % peers.length];
};
