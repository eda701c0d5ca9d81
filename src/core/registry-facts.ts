/** What happens between a process and its registry. */
export interface RegistryFacts {
  /** A client has been told of a service's servers. */
  "registry-snapshot": {
    readonly service: string;
    readonly endpoints: number;
    readonly state: "current" | "stale" | "unknown";
    /** Why it is not current. */
    readonly reason: string | undefined;
    readonly incomplete: string | undefined;
  };
  /** The registry itself has worked out what to tell of a service. */
  "service-resolved": { readonly service: string; readonly endpoints: number; readonly state: string };
  /** The first service can no longer be listed: what the registry said last stands. */
  "registry-lost": { readonly service: string; readonly reason: string };
  /** The last service can be listed again. */
  "registry-restored": { readonly service: string };
  /** It has lost data: what it no longer lists is kept for a while. */
  "registry-doubted": { readonly service: string; readonly reason: string };
  "watch-broke": { readonly service: string; readonly reason: string };
  "entry-unreadable": { readonly service: string; readonly key: string; readonly problem: string };
  /** There are too many entries: some are not read. */
  "entries-cut": { readonly service: string; readonly maxEntries: number; readonly maxListedBytes: number };
  "services-cut": { readonly root: string; readonly maxKeys: number; readonly maxBytes: number };
  "snapshot-unsaved": { readonly dir: string; readonly reason: string };
  "snapshot-unreadable": { readonly file: string; readonly reason: string };
  "snapshot-incomplete": { readonly file: string; readonly leftOut: number; readonly problems: readonly string[] };

  /** The registry first holds a server. */
  "registration-made": Registered;
  /** It could not be kept up for a while, and the registry held it all the same. */
  "registration-kept": Registered;
  /** The registry holds it again, after it had lost it. */
  "registration-restored": Registered;
  /** It cannot be made; it is tried on. */
  "registration-failing": Registering & { readonly reason: string };
  /** It can no longer be kept up, or the registry has it no longer; it is tried on. */
  "registration-lost": Registering & { readonly reason: string };
  /** Taken out in good order. */
  /** What asks the registry cannot be loaded: it is not tried again. */
  "registration-impossible": Registering & { readonly reason: string };
  "registration-ended": Registering;
  "registration-lingers": { readonly address: string; readonly reason: string };
  /** Another server announces the same address, or did so before. */
  "address-contested": {
    readonly address: string;
    readonly key: string;
    readonly leaseId: string;
    /** True where the other came later: its entry stands until it goes. */
    readonly yielded: boolean;
  };
}

/** A server, and what it is looked for by. */
export interface Registering {
  readonly services: readonly string[];
  readonly address: string;
}

interface Registered extends Registering {
  readonly leaseId: string | undefined;
}
