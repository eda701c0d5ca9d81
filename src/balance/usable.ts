import type { Peer } from "../core/transport.ts";

/**
 * The peers that calls may go to: those that are ready. When most of the connected ones are ejected, all of them, since
 * then the few that are left would be given a load that they cannot bear either (Envoy's panic threshold, 50 %:
 * https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/panic_threshold). One that is on
 * trial bears no load, and is no reason to call the others: where there is none but such, it has its one call.
 *
 * None where every circuit is open: that is said at once. Where none is ready, those that are silent: they may yet answer.
 * Servers of other services (`unserved`) only where there are no others: then what they say is the answer.
 */
export function usable(peers: readonly Peer[]): { readonly peers: readonly Peer[]; readonly panic: boolean } {
  const ready: Peer[] = [];
  let steady = 0;
  let ejected = 0;
  // Of thousands of peers each is asked as little as will do.
  for (const peer of peers) {
    if (peer.ready) {
      ready.push(peer);
      if (peer.onTrial !== true) steady++;
    } else if (peer.state === "ejected") ejected++;
  }
  if (ready.length === 0) {
    const strangers = peers.every(({ state }) => state === "unserved");
    return { peers: strangers ? peers : peers.filter(({ state }) => state === "silent"), panic: false };
  }
  const panic = steady > 0 && steady * 2 < ready.length + ejected;
  return { peers: panic ? peers.filter(({ state }) => state === "ready" || state === "ejected") : ready, panic };
}
