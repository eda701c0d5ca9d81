import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type ContenderName, foreign } from "./names.ts";

const bench = fileURLToPath(new URL("..", import.meta.url));

/**
 * Installs bench/'s own packages where a chosen contender needs them and they are missing.
 * @throws Error that says what to do, where that does not work
 */
export function installContenders(chosen: readonly ContenderName[]): void {
  if (!chosen.some((name) => foreign.includes(name)) || existsSync(`${bench}/node_modules/moleculer`)) return;
  process.stderr.write("installing the other contenders: npm ci --prefix bench\n");
  const { status } = spawnSync("npm", ["ci", "--prefix", bench, "--no-audit", "--no-fund", "--ignore-scripts"], {
    stdio: ["ignore", 2, 2],
  });
  if (status === 0) return;
  throw new Error(`npm ci --prefix bench failed. Without it, choose with --only from what needs no package: trunkline, \
trunkline-bare, grpc-js, node-http2, raw-socket`);
}
