import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readPage } from "./page.ts";
import { repository, run } from "./program.ts";

/** The compilers that are promised: the oldest that the README names, and the repository's own. */
export interface TypeScripts {
  /** Paths of `tsc`, for Node to run, by version: `5.9` and `newest`. */
  readonly compilers: ReadonlyMap<string, string>;
  remove(): void;
}

/**
 * Installs the oldest TypeScript in a folder of its own: beside the newest, which of the two `npx tsc` is would be
 * chance.
 */
export async function installTypeScripts(): Promise<TypeScripts> {
  const oldest = /TypeScript (\d+\.\d+) or later/.exec(readPage("README.md"))?.[1] as string;
  const folder = mkdtempSync(join(tmpdir(), "trunkline-typescript-"));
  const options = ["--no-audit", "--no-fund", "--prefer-offline", "--prefix", folder];
  const installed = await run("npm", ["install", ...options, `typescript@~${oldest}.0`]);
  if (installed.code !== 0) throw new Error(`TypeScript ${oldest} cannot be installed: ${installed.stderr}`);
  const tsc = "node_modules/typescript/bin/tsc";
  return {
    compilers: new Map([
      [oldest, join(folder, tsc)],
      ["newest", join(repository, tsc)],
    ]),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
