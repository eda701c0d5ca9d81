import type { Endpoint } from "../../core/endpoint.ts";
import type { Logger } from "../../core/logger.ts";
import type { Snapshot } from "../registry.ts";
import { createBook } from "./book.ts";
import { type EtcdClient, maxEntries } from "./client.ts";
import { describe } from "./describe.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { follow } from "./follow.ts";

export interface ResolveOptions {
  readonly client: EtcdClient;
  readonly service: string;
  readonly dialects: readonly Dialect[];
  readonly relistMs: number;
  readonly doubtMs: number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly report: (snapshot: Snapshot) => void;
}

/** Reports a service's snapshots until the signal aborts. */
export async function resolveService(options: ResolveOptions): Promise<void> {
  const { client, service, dialects, relistMs, doubtMs, logger, signal, report } = options;
  const book = createBook(service, dialects, logger);
  const doubt = createDoubt(doubtMs, () => tell());
  let last: Snapshot | undefined;
  /** Why the list cannot be had; `undefined` while it can. */
  let away: string | undefined;

  const tell = () => {
    const endpoints = doubt.with(book.endpoints());
    const reason = away ?? doubt.reason;
    const state =
      reason === undefined ? "current" : last === undefined || last.state === "unknown" ? "unknown" : "stale";
    if (state !== last?.state) logState(state, endpoints.length, reason);
    last = reason === undefined ? { endpoints, state } : { endpoints, state, reason };
    report(last);
  };

  const logState = (state: Snapshot["state"], endpoints: number, reason: string | undefined) => {
    const fields = { service, endpoints, ...(reason === undefined ? {} : { reason }) };
    if (state === "current") logger.info(fields, last === undefined ? "resolved" : "the registry is back");
    else logger.warn(fields, state === "stale" ? "going on with what the registry said last" : "the registry is away");
  };

  const prefixes = new Set(dialects.map((dialect) => dialect.prefix(service)));
  await follow({
    client,
    ranges: [...prefixes].map((prefix) => ({ prefix })),
    relistMs,
    signal,
    listed(listing, lostData) {
      if (lostData !== undefined) doubt.begin(lostData, book.endpoints());
      if (listing.truncated) logger.warn({ service, read: maxEntries }, "too many entries; some are not read");
      const changed = book.replace(listing.entries);
      const back = away !== undefined;
      away = undefined;
      if (changed || back || lostData !== undefined || last === undefined) tell();
    },
    changed(changes) {
      if (!book.apply(changes)) return;
      logger.debug({ service, changes: changes.length }, "the registry has changed");
      tell();
    },
    lost(error) {
      const reason = describe(error);
      if (reason === away) return;
      away = reason;
      tell();
    },
    broken: (error) => logger.debug({ service, reason: describe(error) }, "a watch broke; listing again"),
  });
  doubt.end();
}

interface Doubt {
  readonly reason: string | undefined;
  /** These servers were known when the data was lost, and are so until they register again or the time is up. */
  begin(reason: string, endpoints: readonly Endpoint[]): void;
  /** The endpoints, and those that are in doubt. */
  with(endpoints: readonly Endpoint[]): readonly Endpoint[];
  end(): void;
}

/** An etcd that came back empty says nothing about its servers: they are kept while they register again. */
function createDoubt(doubtMs: number, over: () => void): Doubt {
  const doubted = new Map<string, Endpoint>();
  let reason: string | undefined;
  let timer: NodeJS.Timeout | undefined;

  const end = () => {
    clearTimeout(timer);
    doubted.clear();
    reason = undefined;
  };

  return {
    get reason() {
      return reason;
    },
    begin(why, endpoints) {
      for (const endpoint of endpoints) doubted.set(endpoint.address, endpoint);
      reason = `${why}; keeping the servers it knew while they register again`;
      clearTimeout(timer);
      timer = setTimeout(() => {
        end();
        over();
      }, doubtMs);
    },
    with(endpoints) {
      if (reason === undefined) return endpoints;
      for (const { address } of endpoints) doubted.delete(address);
      if (doubted.size === 0) end();
      return [...endpoints, ...doubted.values()];
    },
    end,
  };
}
