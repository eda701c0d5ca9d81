import { shownUri } from "../core/shown-uri.ts";
import type { Snapshot } from "../registry/registry.ts";
import { type Command, command } from "./command.ts";
import { openRegistry, registryFlag, registryUri } from "./registry-flag.ts";
import { follow, nobodyServes, patienceMs, servicesNow, snapshotNow } from "./registry-view.ts";
import { timeoutFlag, timeoutOf } from "./timeout-flag.ts";
import { UsageError } from "./usage-error.ts";

/** `trunkline ls` */
export const ls: Command = command({
  name: "ls",
  usage: "[service] [flags]",
  description: "Lists the services in the registry and their servers, or the servers of one service.",
  flags: {
    registry: registryFlag,
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
    const registry = await openRegistry(uri);
    const format = values.json ? jsonOf : textOf;
    try {
      if (only !== undefined && values.watch) {
        await follow(registry, only, signal, (snapshot) => terminal.print(...format(only, snapshot)));
        return 0;
      }
      const names = only === undefined ? await servicesNow(registry, patience) : [only];
      if (names.length === 0) {
        terminal.note(registry.local ? "a list of addresses names no services: write etcd://HOST:PORT" : "no services");
      }
      for (const name of names) {
        const now = await snapshotNow(registry, name, patience);
        if (only !== undefined && now.endpoints.length === 0) throw await nobodyServes(registry, name, now, patience);
        await terminal.print(...format(name, now));
      }
      return 0;
    } catch (error) {
      if (signal.aborted) return 130;
      throw error;
    } finally {
      await registry.close();
    }
  },
});

function jsonOf(service: string, { endpoints, state, reason, incomplete }: Snapshot): string[] {
  return [JSON.stringify({ service, ...(state !== "current" && { state, reason }), incomplete, endpoints })];
}

function textOf(service: string, { endpoints, state, reason, incomplete }: Snapshot): string[] {
  const lines = endpoints.map(({ address, metadata = {} }) => {
    const facts = Object.entries(metadata).map(([key, value]) => `  ${word(key)}=${word(value)}`);
    return `  ${word(address)}${facts.join("")}`;
  });
  const doubt = state === "current" ? "" : ` (${state}: ${reason ?? "no reason known"})`;
  const unread = incomplete === undefined ? "" : ` (${incomplete})`;
  return [`${word(service)}${doubt}${unread}`, ...(lines.length === 0 ? ["  no servers"] : lines)];
}

/** In quotes what has spaces or quotes, and so could pass for more than one fact. */
function word(text: string): string {
  return /^[^\s"]+$/.test(text) ? text : JSON.stringify(text);
}
