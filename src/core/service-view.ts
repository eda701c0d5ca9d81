import type { RegistryRecord } from "./call-record.ts";
import type { PeerState } from "./transport.ts";

/** How a service's servers stand, as a channel knows them; times are on its clock. */
export interface ServiceView {
  readonly registry: (Omit<RegistryRecord, "ageMs"> & { readonly heardAtMs: number }) | undefined;
  readonly known: number;
  readonly byState: Readonly<Partial<Record<PeerState, number>>>;
  readonly panic: boolean;
  readonly first: readonly PeerView[];
}

export interface PeerView {
  readonly address: string;
  readonly state: PeerState;
  readonly sinceMs: number;
  readonly reason: string | undefined;
}

/** Peers that a view names; of the others it has the number. */
export const MOST_NAMED = 10;
