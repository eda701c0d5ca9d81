import { checkObservers } from "../core/check-observers.ts";
import { systemClock } from "../core/clock.ts";
import { bothFacts, createFacts, type Observer } from "../core/facts.ts";
import { type Logger, silent } from "../core/logger.ts";
import { checkNames } from "../core/option-names.ts";
import { createPace, type Pace } from "../core/pace.ts";
import { shownAs } from "../core/shown-as.ts";
import { checkAnnouncement, endpointOf } from "./announcement.ts";
import { createListeners, type Listeners } from "./listeners.ts";
import { createOneEach, type Entered, type OneEach } from "./one-each.ts";
import type { Registration, Registry, Snapshot } from "./registry.ts";

export interface MemoryRegistryOptions {
  /** Silent by default. */
  readonly logger?: Logger | undefined;
  /** Told of what happens in the registry; none by default. */
  readonly observers?: readonly Observer[] | undefined;
}

interface Heard {
  readonly listeners: Listeners;
  readonly pace: Pace;
}

/** A registry within one process: for tests, and for servers and clients that live together. */
export function memoryRegistry(options: MemoryRegistryOptions = {}): Registry {
  checkNames(options, { logger: true, observers: true }, "memoryRegistry");
  checkObservers(options);
  const facts = createFacts(options);
  const announced = new Map<string, OneEach<Entered>>();
  const listening = new Map<string, Heard>();
  let closed = false;

  const snapshotOf = (service: string): Snapshot => ({
    endpoints: announced.get(service)?.endpoints() ?? [],
    state: "current",
  });

  const listen = (service: string): Heard => {
    const listeners = createListeners(service, facts);
    const report = () => {
      const snapshot = snapshotOf(service);
      listeners.report(snapshot);
      // Whoever listens may go through them.
      return snapshot.endpoints.length;
    };
    const heard = { listeners, pace: createPace(report, systemClock) };
    listening.set(service, heard);
    heard.pace.ask();
    return heard;
  };

  const putIn = (service: string, entered: Entered) => {
    const those = announced.get(service) ?? createOneEach(latest);
    announced.set(service, those);
    those.add(entered);
  };

  const takeOut = (service: string, entered: Entered): boolean => {
    const those = announced.get(service);
    const wasThere = those?.delete(entered) === true;
    if (those?.size === 0) announced.delete(service);
    return wasThere;
  };

  const changed = (services: Iterable<string>) => {
    for (const service of services) listening.get(service)?.pace.ask();
  };

  const assertOpen = () => {
    if (closed) throw new Error("this registry is closed");
  };

  const registry: Registry = {
    local: true,
    resolve(service, listener) {
      assertOpen();
      const heard = listening.get(service) ?? listen(service);
      const remove = heard.listeners.add(listener);
      return () => {
        remove();
        if (heard.listeners.size > 0) return;
        heard.pace.stop();
        if (listening.get(service) === heard) listening.delete(service);
      };
    },

    register(announcement, theirs): Registration {
      assertOpen();
      checkAnnouncement(announcement);
      const services = new Map<string, Entered>();
      // A copy, so that the same announced again is another.
      for (const service of announcement.services)
        services.set(service, { endpoint: { ...endpointOf(announcement, service) } });
      for (const [service, entered] of services) putIn(service, entered);
      changed(services.keys());
      const told = theirs === undefined ? facts : bothFacts(facts, options.logger ? theirs.loggedBy(silent) : theirs);
      const about = { services: [...services.keys()], address: announcement.endpoint.address };
      told.on["registration-made"]?.({ ...about, leaseId: undefined });
      let over = false;
      return {
        registered: Promise.resolve(),
        async close() {
          const gone = [...services]
            .filter(([service, entered]) => takeOut(service, entered))
            .map(([service]) => service);
          changed(gone);
          if (!over) told.on["registration-ended"]?.(about);
          over = true;
        },
      };
    },

    async services() {
      return [...announced.keys()].sort();
    },

    async close() {
      closed = true;
      announced.clear();
      for (const { pace } of listening.values()) pace.stop();
      listening.clear();
    },

    [Symbol.asyncDispose]: () => registry.close(),
  };
  return shownAs(registry, "Registry", () => ({ services: [...announced.keys()].sort() }));
}

/** The latest to announce an address stands; the one before comes back when it goes. */
function latest(those: ReadonlySet<Entered>): Entered | undefined {
  return [...those].at(-1);
}
