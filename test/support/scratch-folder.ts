import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { repository } from "./program.ts";

/** A folder inside the repository, so that `import "trunkline"` finds the package itself; gone when the test has ended. */
export function scratchFolder(name: string): string {
  const scratch = join(repository, ".trunkline");
  mkdirSync(scratch, { recursive: true });
  const folder = mkdtempSync(join(scratch, `${name}-`));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
