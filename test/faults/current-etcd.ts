import { execFileSync } from "node:child_process";
import { cpSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

const source = join(import.meta.dirname, "current-etcd");
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "trunkline-interop", "current-etcd");

/**
 * Builds the etcd that `current-etcd/go.mod` names, where it is not built yet, and has this process and those that it
 * starts use it.
 * @throws Error that says what is missing, where Go cannot build it
 */
export function useCurrentEtcd(): void {
  cpSync(source, cache, { recursive: true });
  try {
    const env = { ...process.env, GOFLAGS: "-mod=mod" };
    execFileSync("go", ["build", "-o", join(cache, "bin", "etcd"), "."], { cwd: cache, env, stdio: "inherit" });
  } catch (cause) {
    throw new Error("--etcd current needs Go and its module proxy, to build etcd", { cause });
  }
  process.env.PATH = `${join(cache, "bin")}${delimiter}${process.env.PATH}`;
}
