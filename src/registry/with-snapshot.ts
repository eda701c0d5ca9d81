import { checkObservers } from "../core/check-observers.ts";
import { createFacts, type Observer } from "../core/facts.ts";
import type { Logger } from "../core/logger.ts";
import { checkRanges, numberFrom } from "../core/number-range.ts";
import { checkKind, checkKinds, logger as loggerKind, text } from "../core/option-kinds.ts";
import { checkNames } from "../core/option-names.ts";
import { createListeners, type Listeners } from "./listeners.ts";
import type { Registry, Snapshot } from "./registry.ts";
import { createSnapshotFiles, type SavedSnapshot } from "./snapshot-files.ts";

export interface WithSnapshotOptions {
  /**
   * Where the files stand, one for each service; made where it is missing, for its owner alone. What others may write, or
   * have made, is neither read nor written, and the log says why: calls would go where the file says.
   */
  readonly dir: string;
  /**
   * Seconds after which a file is too old to start from; 86,400 by default, a day; `Infinity` is never. One that is more than 5
   * minutes of the future is passed over.
   */
  readonly maxAgeSeconds?: number | undefined;
  /** Silent by default. */
  readonly logger?: Logger | undefined;
  /** Told of what happens to the files; none by default. */
  readonly observers?: readonly Observer[] | undefined;
}

const shortestRefreshMs = 250;
const longestRefreshMs = 600_000;
const ranges = { maxAgeSeconds: numberFrom(0, { endless: true }) };

/**
 * Lets a client start while the registry is away: what it said last is kept on disk and stands in where it cannot be
 * reached at the start, as `stale` and with its age in the reason. Only lists with a server in them are kept.
 * Everything else is the registry's own.
 * @throws TypeError that names an option that cannot be
 */
export function withSnapshot(registry: Registry, options: WithSnapshotOptions): Registry {
  checkNames(options, { dir: true, maxAgeSeconds: true, logger: true, observers: true }, "withSnapshot");
  const { dir, maxAgeSeconds = 86_400 } = options;
  checkObservers(options);
  checkRanges({ maxAgeSeconds }, ranges);
  checkKind("dir of withSnapshot", dir, text);
  checkKinds(options, { logger: loggerKind });
  const facts = createFacts(options);
  const files = createSnapshotFiles({ dir, maxAgeSeconds, facts });
  const resolving = new Map<string, { readonly listeners: Listeners; readonly stop: () => void }>();

  const keep = (service: string, { state, endpoints }: Snapshot) => {
    if (state === "current" && endpoints.length > 0) files.save(service, endpoints);
  };
  // A list that never changes must not grow old on disk while the registry stands by it.
  const refresh = setInterval(
    () => {
      for (const [service, { listeners }] of resolving) if (listeners.last !== undefined) keep(service, listeners.last);
    },
    Math.min(Math.max((maxAgeSeconds * 1_000) / 4, shortestRefreshMs), longestRefreshMs),
  ).unref();

  const start = (service: string) => {
    const listeners = createListeners(service, facts);
    const stop = registry.resolve(service, (snapshot) => {
      keep(service, snapshot);
      if (snapshot.state !== "unknown") listeners.report(snapshot);
      else if (listeners.last?.state !== "stale") listeners.report(orSaved(snapshot, files.load(service)));
    });
    const started = { listeners, stop };
    resolving.set(service, started);
    return started;
  };

  const kept: Registry = {
    resolve(service, listener) {
      const { listeners, stop } = resolving.get(service) ?? start(service);
      const remove = listeners.add(listener);
      return () => {
        remove();
        if (listeners.size > 0 || resolving.get(service)?.listeners !== listeners) return;
        resolving.delete(service);
        stop();
      };
    },
    register: (announcement, serversFacts) => registry.register(announcement, serversFacts),
    services: () => registry.services(),
    async close() {
      clearInterval(refresh);
      resolving.clear();
      await registry.close();
      await files.flush();
    },
    [Symbol.asyncDispose]: () => kept.close(),
  };
  return kept;
}

function orSaved(unknown: Snapshot, saved: SavedSnapshot | undefined): Snapshot {
  if (saved === undefined) return unknown;
  const reason = `from disk, as it was at ${saved.savedAt.toISOString()}; the registry is away: ${unknown.reason ?? ""}`;
  return { endpoints: saved.endpoints, state: "stale", reason };
}
