import { readFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { fileURLToPath } from "node:url";
import type { ContenderName } from "./names.ts";
import type { Cores } from "./pinning.ts";

/** Where, when and with what a run was made. */
export interface Meta {
  /** ISO 8601. */
  readonly date: string;
  readonly node: string;
  readonly machine: string;
  readonly pinned: Cores | false;
  readonly rounds: number;
  readonly roundMs: number;
  readonly versions: Readonly<Record<string, string>>;
}

type Settings = { contenders: readonly ContenderName[]; cores: Cores | undefined; rounds: number; roundMs: number };

export function describeRun({ contenders, cores, rounds, roundMs }: Settings): Meta {
  const [cpu] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return {
    date: new Date().toISOString(),
    node: process.version,
    machine: `${cpu?.model ?? "unknown processor"}, ${cpus().length} cores, ${gigabytes} GiB, ${type()} ${release()}`,
    pinned: cores ?? false,
    rounds,
    roundMs,
    versions: Object.fromEntries(contenders.flatMap((name) => packages[name]).map((name) => [name, versionOf(name)])),
  };
}

const packages: Record<ContenderName, readonly string[]> = {
  trunkline: ["trunkline"],
  "trunkline-bare": ["trunkline"],
  "grpc-js": ["@grpc/grpc-js"],
  "nice-grpc": ["nice-grpc", "@grpc/grpc-js"],
  "connect-node": ["@connectrpc/connect-node"],
  "node-http2": [],
  moleculer: ["moleculer"],
  "fastify-undici": ["fastify", "undici"],
  "raw-socket": [],
};

function versionOf(name: string): string {
  const places =
    name === "trunkline"
      ? ["../../package.json"]
      : [`../node_modules/${name}/package.json`, `../../node_modules/${name}/package.json`];
  for (const place of places) {
    try {
      return JSON.parse(readFileSync(fileURLToPath(new URL(place, import.meta.url)), "utf8")).version;
    } catch {
      // Not installed there.
    }
  }
  return "unknown";
}
