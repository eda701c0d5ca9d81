import { Code } from "../../core/code.ts";
import type { Facts } from "../../core/facts.ts";
import { RpcError } from "../../core/rpc-error.ts";
import { isServiceName } from "../announcement.ts";
import type { EtcdClient } from "./client.ts";
import { describe } from "./describe.ts";
import type { Dialect } from "./dialects/dialect.ts";
import type { Entry } from "./keys.ts";
import { createTurns } from "./turns.ts";

export interface ScanLimits {
  /** How many keys are looked at below each root: an etcd may hold much besides services. */
  readonly maxKeys: number;
  /** The bytes of keys and values that are read below each root. */
  readonly maxBytes: number;
}

const usualLimits: ScanLimits = { maxKeys: 200_000, maxBytes: 256 * 1024 * 1024 };

/**
 * The names of all services that have an entry which can be read, as far as the limits go; a fact says where they end.
 * @throws RpcError (rejects with it) UNAVAILABLE where etcd cannot be asked
 */
export async function listServices(
  client: Pick<EtcdClient, "scan">,
  dialects: readonly Dialect[],
  facts: Facts,
  limits: ScanLimits = usualLimits,
): Promise<string[]> {
  const services = new Set<string>();
  try {
    for (const root of new Set(dialects.map((dialect) => dialect.root))) {
      const here = dialects.filter((dialect) => dialect.root === root);
      const isWhole = await scan(client, root, limits, (entry) => addService(services, here, entry));
      if (isWhole) continue;
      facts.on["services-cut"]?.({ root, ...limits });
    }
  } catch (error) {
    const message = `the registry cannot be asked for its services: ${describe(error)}`;
    throw new RpcError(Code.UNAVAILABLE, message, { cause: error });
  }
  return [...services].sort();
}

/** Resolves to false where the limits were met before the end. */
async function scan(
  client: Pick<EtcdClient, "scan">,
  prefix: string,
  { maxKeys, maxBytes }: ScanLimits,
  look: (entry: Entry) => void,
): Promise<boolean> {
  const turns = createTurns();
  let keys = 0;
  let read = 0;
  for await (const { entries, bytes } of client.scan({ prefix })) {
    read += bytes;
    for (const entry of entries) {
      if (++keys > maxKeys) return false;
      await turns.next();
      look(entry);
    }
    if (read > maxBytes) return false;
  }
  return true;
}

function addService(services: Set<string>, dialects: readonly Dialect[], entry: Entry): void {
  for (const dialect of dialects) {
    const service = dialect.serviceOf(entry);
    if (service === undefined || services.has(service) || !isServiceName(service)) continue;
    if (isReadable(dialect, entry)) services.add(service);
  }
}

function isReadable(dialect: Dialect, entry: Entry): boolean {
  try {
    dialect.read(entry);
    return true;
  } catch {
    return false;
  }
}
