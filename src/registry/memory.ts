import type { Endpoint } from "../core/endpoint.ts";
import { type Logger, silent } from "../core/logger.ts";
import { checkAnnouncement } from "./announcement.ts";
import { createListeners, type Listeners } from "./listeners.ts";
import type { Announcement, Registration, Registry, Snapshot } from "./registry.ts";

export interface MemoryRegistryOptions {
  /** Silent by default. */
  readonly logger?: Logger | undefined;
}

/** A registry within one process: for tests, and for servers and clients that live together. */
export function memoryRegistry({ logger = silent }: MemoryRegistryOptions = {}): Registry {
  const announcements = new Set<Announcement>();
  const listening = new Map<string, Listeners>();
  let closed = false;

  const snapshotOf = (service: string): Snapshot => {
    // The latest to announce an address stands; the one before comes back when it goes.
    const byAddress = new Map<string, Endpoint>();
    for (const { services, endpoint } of announcements) {
      if (services.includes(service)) byAddress.set(endpoint.address, endpoint);
    }
    return { endpoints: [...byAddress.values()], state: "current" };
  };

  const report = (services: readonly string[]) => {
    for (const service of services) listening.get(service)?.report(snapshotOf(service));
  };

  const assertOpen = () => {
    if (closed) throw new Error("this registry is closed");
  };

  return {
    resolve(service, listener) {
      assertOpen();
      let listeners = listening.get(service);
      if (listeners === undefined) {
        listeners = createListeners(service, logger);
        listeners.report(snapshotOf(service));
        listening.set(service, listeners);
      }
      const mine = listeners;
      const remove = mine.add(listener);
      return () => {
        remove();
        if (mine.size === 0 && listening.get(service) === mine) listening.delete(service);
      };
    },

    register(announcement): Registration {
      assertOpen();
      checkAnnouncement(announcement);
      // A copy, so that two equal announcements are two.
      const mine = { ...announcement };
      announcements.add(mine);
      report(mine.services);
      return {
        registered: Promise.resolve(),
        async close() {
          if (announcements.delete(mine)) report(mine.services);
        },
      };
    },

    async services() {
      return [...new Set([...announcements].flatMap(({ services }) => services))].sort();
    },

    async close() {
      closed = true;
      announcements.clear();
      listening.clear();
    },
  };
}
