import type { Endpoint } from "../core/endpoint.ts";
import type { Facts } from "../core/facts.ts";

/** Everything a registry knows of one service: always the whole list, never a difference. */
export interface Snapshot {
  readonly endpoints: readonly Endpoint[];
  /**
   * `current`: the registry says so now. `stale`: it cannot be reached, and this is what it said last. `unknown`: it
   * has not been reached yet. An unreachable registry is never a `current` empty list.
   */
  readonly state: "current" | "stale" | "unknown";
  /** Why it is not current, for an error message. */
  readonly reason?: string;
  /** What of the registry's entries is not in it, for an error message: `1 entry cannot be read`. */
  readonly incomplete?: string;
}

/** What a server announces. */
export interface Announcement {
  /** Full proto names. */
  readonly services: readonly string[];
  readonly endpoint: Endpoint;
  /** What is said of one service alone, by its name: beside the endpoint's metadata, which is said of each. */
  readonly metadataOf?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
}

/** A server's standing in a registry, kept up for ever until it is closed. */
export interface Registration {
  /**
   * Resolves when the registry first holds it, or when it is closed before that. A registry that is away is tried again;
   * it rejects only where to try again is no help, since what asks the registry cannot be loaded.
   */
  readonly registered: Promise<void>;
  /** Takes it out. Resolves within `timeoutMs` (2,000 by default) even if the registry is dead. */
  close(timeoutMs?: number): Promise<void>;
}

/** Finds servers. */
export interface Resolver {
  /**
   * What it lists was given by this process itself, or by who started it, and so its `unix:` addresses are connected to.
   * Who can write to another registry could point its clients at sockets of their own machine.
   */
  readonly local?: boolean | undefined;
  /**
   * Reports a snapshot at once where one is known, and again on every change, until the returned function is called.
   * Listeners of one service share one watch.
   */
  resolve(service: string, listener: (snapshot: Snapshot) => void): () => void;
}

/** Announces servers. */
export interface Registrar {
  /**
   * Returns at once and keeps trying. What happens to the registration is told to `facts`, the server's, as to the
   * registry's own observers; it is logged once, by the registry's logger where it has one.
   * @throws TypeError for an address or a service name that is none
   */
  register(announcement: Announcement, facts?: Facts): Registration;
}

export interface Registry extends Resolver, Registrar {
  /** Names of the services that have at least one endpoint. */
  services(): Promise<string[]>;
  /** Takes out what is registered, and ends what is looked for. */
  close(): Promise<void>;
  /** The same as `close()`: `await using registry = etcd(hosts)`. */
  [Symbol.asyncDispose](): Promise<void>;
}
