import { shortened } from "../core/printable.ts";
import { MOST_NAMED, type PeerView, type ServiceView } from "../core/service-view.ts";
import type { Peer, PeerState } from "../core/transport.ts";
import type { Snapshot } from "../registry/registry.ts";
import type { Members } from "./members.ts";

export interface ViewOptions {
  readonly members: Members;
  readonly heard: Snapshot | undefined;
  readonly heardAtMs: number;
  readonly panic: boolean;
}

/** How the servers of a service stand: those that are not ready are named before those that are. */
export function viewOf({ members, heard, heardAtMs, panic }: ViewOptions): ServiceView {
  const byState: Partial<Record<PeerState, number>> = {};
  const ready: Peer[] = [];
  const others: Peer[] = [];
  for (const { peer } of members.all()) {
    const { state } = peer;
    byState[state] = (byState[state] ?? 0) + 1;
    const those = state === "ready" ? ready : others;
    if (those.length < MOST_NAMED) those.push(peer);
  }
  const first = [...others, ...ready].slice(0, MOST_NAMED).map((peer) => peerView(peer, members));
  return { registry: heard && registryView(heard, heardAtMs), known: members.size, byState, panic, first };
}

function peerView({ endpoint: { address }, state, reason }: Peer, members: Members): PeerView {
  return { address, state, sinceMs: members.stateSinceMs(address), reason: shown(reason) };
}

function registryView({ state, endpoints, reason, incomplete }: Snapshot, heardAtMs: number): ServiceView["registry"] {
  return { state, endpoints: endpoints.length, heardAtMs, reason: shown(reason), incomplete: shown(incomplete) };
}

function shown(text: string | undefined): string | undefined {
  return text === undefined ? undefined : shortened(text);
}
