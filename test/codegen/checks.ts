import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "./buf.ts";

/** What TypeScript says to a folder of generated files; empty where nothing is wrong. */
export function compiled(folder: string, tsc: string = join(root, "node_modules/typescript/bin/tsc")): string {
  const run = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
  return run.status === 0 ? run.stdout : `${run.stdout}${run.stderr}`;
}

/** What `round-trip.ts` says to a folder of generated files: `2 services, 7 calls`, or what went wrong. */
export function roundTrip(folder: string): string {
  const args = ["--conditions=@trunkline/source", fileURLToPath(new URL("round-trip.ts", import.meta.url)), folder];
  const run = spawnSync(process.execPath, args, { encoding: "utf8" });
  return run.stderr + run.stdout;
}
