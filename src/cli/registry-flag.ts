import { registryFromUri } from "../registry/from-uri.ts";
import type { Registry } from "../registry/registry.ts";
import type { TextFlag } from "./command.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

export const registryFlag: TextFlag = {
  type: "string",
  short: "r",
  value: "URI",
  summary: "The registry: etcd://127.0.0.1:2379; TRUNKLINE_REGISTRY by default.",
};

/** What `--registry` names, else `TRUNKLINE_REGISTRY`. */
export function registryUri(flag: string | undefined, { env }: Terminal): string | undefined {
  return flag ?? (env.TRUNKLINE_REGISTRY || undefined);
}

/** @throws UsageError for a URI that names no registry */
export async function openRegistry(uri: string): Promise<Registry> {
  try {
    return await registryFromUri(uri);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
