import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./buf.ts";

/** Writes files into a new folder inside the repository, so that what they import is found. Delete it after use. */
export function written(files: Iterable<readonly [path: string, text: string]>): string {
  mkdirSync(join(root, ".trunkline"), { recursive: true });
  const folder = mkdtempSync(join(root, ".trunkline", "generated-"));
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** For the strictest TypeScript, with this package's sources. */
export const tsconfig: readonly [string, string] = [
  "tsconfig.json",
  JSON.stringify({ extends: join(root, "test/codegen/tsconfig.json"), include: ["."] }),
];
