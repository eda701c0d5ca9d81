import { checkObservers } from "../core/check-observers.ts";
import { systemClock } from "../core/clock.ts";
import type { Endpoint } from "../core/endpoint.ts";
import { createFacts, type Observer } from "../core/facts.ts";
import type { Logger } from "../core/logger.ts";
import { checkNames } from "../core/option-names.ts";
import { createPace, type Pace } from "../core/pace.ts";
import { checkAnnouncement, endpointOf } from "./announcement.ts";
import { createListeners, type Listeners } from "./listeners.ts";
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
  const announced = new Map<string, Set<Endpoint>>();
  const listening = new Map<string, Heard>();
  let closed = false;

  const snapshotOf = (service: string): Snapshot => {
    // The latest to announce an address stands; the one before comes back when it goes.
    const byAddress = new Map<string, Endpoint>();
    for (const endpoint of announced.get(service) ?? []) byAddress.set(endpoint.address, endpoint);
    return { endpoints: [...byAddress.values()], state: "current" };
  };

  const listen = (service: string): Heard => {
    const listeners = createListeners(service, facts);
    const report = () => {
      const snapshot = snapshotOf(service);
      listeners.report(snapshot);
      return snapshot.endpoints.length;
    };
    const heard = { listeners, pace: createPace(report, systemClock) };
    listening.set(service, heard);
    heard.pace.ask();
    return heard;
  };

  const changed = (services: Iterable<string>) => {
    for (const service of services) listening.get(service)?.pace.ask();
  };

  const assertOpen = () => {
    if (closed) throw new Error("this registry is closed");
  };

  return {
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

    register(announcement): Registration {
      assertOpen();
      checkAnnouncement(announcement);
      const services = new Map<string, Endpoint>();
      // A copy, so that the same announced again is another.
      for (const service of announcement.services) services.set(service, { ...endpointOf(announcement, service) });
      for (const [service, endpoint] of services) {
        const those = announced.get(service) ?? new Set();
        announced.set(service, those.add(endpoint));
      }
      changed(services.keys());
      return {
        registered: Promise.resolve(),
        async close() {
          const gone = [...services].flatMap(([service, endpoint]) =>
            announced.get(service)?.delete(endpoint) ? [service] : [],
          );
          for (const service of gone) if (announced.get(service)?.size === 0) announced.delete(service);
          changed(gone);
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
  };
}
