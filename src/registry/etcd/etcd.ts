import { watchCertificate } from "../../core/certificate-watch.ts";
import { bothFacts } from "../../core/facts.ts";
import { hold, holding, letGo } from "../../core/hold.ts";
import { shownAs } from "../../core/shown-as.ts";
import { checkAnnouncement, endpointOf } from "../announcement.ts";
import { createListeners, type Listeners } from "../listeners.ts";
import type { Announcement, Registration, Registry } from "../registry.ts";
import { createClient } from "./client.ts";
import { createWire } from "./create-wire.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { maxValueBytes } from "./keys.ts";
import { createOutage } from "./outage.ts";
import { register } from "./registration.ts";
import { resolveService } from "./resolver.ts";
import { listServices } from "./services.ts";
import { type EtcdOptions, etcdSettings } from "./settings.ts";

/**
 * A registry in etcd: `etcd("http://127.0.0.1:2379")`, an array of such hosts, or a URI such as
 * `etcd://user:password@host1:2379,host2:2379`. Connects when it is first used. A server that is announced keeps the
 * process alive, a service that is looked for does not.
 * @throws TypeError for hosts or options that cannot be right, saying which
 */
export function etcd(hosts: string | readonly string[], options: EtcdOptions = {}): Registry {
  const settings = etcdSettings(hosts, options);
  const { dialects, ttlSeconds, relistMs, doubtMs, facts } = settings;
  const client = createClient(createWire(settings), settings.namespace);
  const outage = createOutage(facts);
  const stopWatching = settings.tls && watchCertificate(settings.tls, facts);
  const closing = new AbortController();
  const registrations = new Set<Registration>();
  const resolving = new Map<string, { readonly listeners: Listeners; readonly stop: AbortController }>();

  const assertOpen = () => {
    if (closing.signal.aborted) throw new Error("this registry is closed");
  };

  const startResolving = (service: string) => {
    const started = { listeners: createListeners(service, facts), stop: new AbortController() };
    resolveService({
      client,
      service,
      dialects,
      relistMs,
      doubtMs,
      outage,
      facts,
      signal: started.stop.signal,
      report: (snapshot) => started.listeners.report(snapshot),
    });
    resolving.set(service, started);
    return started;
  };

  const registry: Registry = {
    resolve(service, listener) {
      assertOpen();
      const { listeners, stop } = resolving.get(service) ?? startResolving(service);
      const remove = listeners.add(listener);
      return () => {
        remove();
        if (listeners.size > 0) return;
        stop.abort();
        if (resolving.get(service)?.stop === stop) resolving.delete(service);
      };
    },

    register(announcement, theirs) {
      assertOpen();
      checkAnnouncement(announcement);
      checkPrefixes(announcement.services, dialects);
      checkLength(announcement, dialects);
      const registration = register(announcement, {
        client,
        dialects,
        ttlSeconds,
        relistMs,
        facts: theirs === undefined ? facts : bothFacts(facts, theirs),
      });
      const held = {
        registered: registration.registered,
        async close(timeoutMs?: number) {
          await registration.close(timeoutMs);
          if (registrations.delete(held)) letGo();
        },
      };
      hold();
      registrations.add(held);
      return held;
    },

    async services() {
      assertOpen();
      return holding(() => listServices(client, dialects, facts));
    },

    async close() {
      closing.abort();
      stopWatching?.();
      for (const { stop } of resolving.values()) stop.abort();
      resolving.clear();
      await Promise.all([...registrations].map((registration) => registration.close()));
      registrations.clear();
      client.close();
    },

    [Symbol.asyncDispose]: () => registry.close(),
  };
  return shownAs(registry, "Registry", () => ({ etcd: settings.hosts }));
}

/**
 * Two dialects may be read below one prefix, and not written there: go-zero's clients would take the other's JSON for an
 * address.
 */
function checkPrefixes(services: readonly string[], dialects: readonly Dialect[]): void {
  for (const service of services) {
    const writers = new Map<string, string>();
    for (const dialect of dialects) {
      const prefix = dialect.prefix(service);
      const other = writers.get(prefix);
      if (other !== undefined) {
        throw new TypeError(`${other} and ${dialect.name} would both write below "${prefix}"; give one another name`);
      }
      writers.set(prefix, dialect.name);
    }
  }
}

function checkLength(announcement: Announcement, dialects: readonly Dialect[]): void {
  const { services, endpoint } = announcement;
  for (const dialect of dialects) {
    const lengthOf = (service: string) =>
      Buffer.byteLength(dialect.write(service, endpointOf(announcement, service), "0").value);
    const bytes = Math.max(...services.map(lengthOf));
    if (bytes <= maxValueBytes) continue;
    throw new TypeError(
      `${endpoint.address} with its metadata makes an entry of ${bytes} bytes; ${maxValueBytes} are read, announce less`,
    );
  }
}
