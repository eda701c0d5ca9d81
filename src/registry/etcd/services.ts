import { Code } from "../../core/code.ts";
import { RpcError } from "../../core/rpc-error.ts";
import { isServiceName } from "../announcement.ts";
import type { EtcdClient } from "./client.ts";
import { describe } from "./describe.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { createTurns } from "./turns.ts";

/** How many keys are looked at: an etcd may hold much besides services. */
const maxKeys = 200_000;

/**
 * The names of all services that have an entry which can be read.
 * @throws RpcError (rejects with it) UNAVAILABLE where etcd cannot be asked
 */
export async function listServices(client: EtcdClient, dialects: readonly Dialect[]): Promise<string[]> {
  try {
    return await scan(client, dialects);
  } catch (error) {
    const message = `the registry cannot be asked for its services: ${describe(error)}`;
    throw new RpcError(Code.UNAVAILABLE, message, { cause: error });
  }
}

async function scan(client: EtcdClient, dialects: readonly Dialect[]): Promise<string[]> {
  const services = new Set<string>();
  const turns = createTurns();
  for (const root of new Set(dialects.map((dialect) => dialect.root))) {
    const here = dialects.filter((dialect) => dialect.root === root);
    let seen = 0;
    for await (const entry of client.scan({ prefix: root })) {
      if (++seen > maxKeys) break;
      await turns.next();
      for (const dialect of here) {
        const service = dialect.serviceOf(entry);
        if (service === undefined || services.has(service) || !isServiceName(service)) continue;
        if (isReadable(dialect, entry)) services.add(service);
      }
    }
  }
  return [...services].sort();
}

function isReadable(dialect: Dialect, entry: { readonly key: string; readonly value: string }): boolean {
  try {
    dialect.read(entry);
    return true;
  } catch {
    return false;
  }
}
