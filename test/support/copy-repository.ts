import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { repository, run } from "./program.ts";

/** Copies what a clone would hold, with what is not committed yet: nothing that was built or installed. */
export async function copyRepository(folder: string): Promise<void> {
  const { stdout } = await run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
  for (const file of stdout.split("\0").filter(Boolean)) {
    // Git knows a file that was removed until that is committed.
    if (existsSync(join(repository, file))) cpSync(join(repository, file), join(folder, file));
  }
}
