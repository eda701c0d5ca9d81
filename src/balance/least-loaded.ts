import type { Balancer } from "./balancer.ts";
export const leastLoaded = (): Balancer => (peers) => {
  let i = 0;
  return () => peers[i++ % peers.length];
};
