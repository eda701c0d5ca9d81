import { shownUri } from "../core/shown-uri.ts";
import type { Snapshot } from "../registry/registry.ts";
import { type Command, command } from "./command.ts";
import { countedBy, inPart, jsonOf, textOf } from "./endpoint-list.ts";
import { openRegistry, registryFlag, registryUri } from "./registry-flag.ts";
import { follow, patienceMs, servedNow, servicesNow, snapshotNow } from "./registry-view.ts";
import { timeoutFlag, timeoutOf } from "./timeout-flag.ts";
import { UsageError } from "./usage-error.ts";

/** Servers of a service that fit a screen. */
const mostLines = 50;
/** `trunkline ls` */
export const ls: Command = command({
  name: "ls",
  usage: "[service] [flags]",
  description: "Lists the services in the registry and their servers, or the servers of one service.",
  flags: {
    registry: registryFlag,
    zone: { type: "string", value: "ZONE", summary: "Only servers whose registration says zone=ZONE." },
    limit: {
      type: "string",
      value: "N",
      summary: `The most servers of a service to print; ${mostLines} by default, all with --json, and with 0.`,
    },
    json: { type: "boolean", summary: "Print a line of JSON for each service." },
    timeout: timeoutFlag(`Milliseconds to wait for the registry; ${patienceMs} by default, 0 without end.`),
    watch: { type: "boolean", short: "w", summary: "Print the service again whenever it changes, until Ctrl-C." },
  },
  examples: ["trunkline ls --registry etcd://127.0.0.1:2379", "trunkline ls greeter.v1.Greeter --watch"],
  async run({ values, positionals, terminal, signal }) {
    const [only, ...more] = positionals;
    if (more.length > 0)
      throw new UsageError(`trunkline ls takes one service; what is "${shownUri(more[0] ?? "")}" for?`);
    if (only?.includes("://")) {
      throw new UsageError(`"${shownUri(only)}" is no service; a registry is given by --registry URI`);
    }
    if (values.watch && only === undefined) {
      throw new UsageError("--watch needs a service: trunkline ls <service> --watch");
    }
    const uri = registryUri(values.registry, terminal);
    if (uri === undefined) throw new UsageError("which registry? give --registry URI, or set TRUNKLINE_REGISTRY");
    const patience = { signal, timeoutMs: timeoutOf(values.timeout) ?? patienceMs };
    const limit = limitOf(values.limit) ?? (values.json ? 0 : mostLines);
    const format = values.json ? jsonOf : textOf;
    const show = (service: string, snapshot: Snapshot): Promise<void> =>
      terminal.print(...format(service, inPart(snapshot, values.zone, limit)));
    const registry = await openRegistry(uri);
    try {
      if (only !== undefined && values.watch) {
        await follow(registry, only, signal, (snapshot) => show(only, snapshot));
        return 0;
      }
      if (only !== undefined) {
        const { service, now } = await servedNow(registry, only, patience, (message) => new Error(message));
        if (values.zone !== undefined) checkZone(service, now, values.zone);
        await show(service, now);
        return 0;
      }
      if (registry.local) throw new UsageError("a list of addresses names no services: write etcd://HOST:PORT");
      const names = await servicesNow(registry, patience);
      if (names.length === 0) terminal.note("no services");
      for (const name of names) await show(name, await snapshotNow(registry, name, patience));
      return 0;
    } catch (error) {
      if (signal.aborted) return 130;
      throw error;
    } finally {
      await registry.close();
    }
  },
});

function limitOf(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (!/^\d{1,9}$/.test(given))
    throw new UsageError(`--limit ${shownUri(given)} is no number: give 1 or more, or 0 for all`);
  return Number(given);
}

/** @throws Error that says in which zones there are servers, where there is none in this */
function checkZone(service: string, { endpoints }: Snapshot, zone: string): void {
  if (endpoints.some(({ metadata }) => metadata?.zone === zone)) return;
  const where = countedBy("zone", endpoints) || ", none of which names a zone";
  throw new Error(`${service} has no server in zone ${JSON.stringify(zone)} (it has ${endpoints.length}${where})`);
}
