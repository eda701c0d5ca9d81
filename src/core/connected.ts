import type { Peer } from "./transport.ts";

/** Whether a peer has its connection: it is ready, or only `silent` on it for the moment. */
export function isConnected({ state }: Peer): boolean {
  return state === "ready" || state === "silent";
}
