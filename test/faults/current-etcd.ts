import { execFileSync } from "node:child_process";
import { cpSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cache } from "../interop/toolchain.ts";

const source = join(import.meta.dirname, "current-etcd");
const built = join(cache, "current-etcd");

/**
 * Builds the etcd that `current-etcd/go.mod` names, where it is not built yet, and has this process and those that it
 * starts use it.
 * @throws Error that says what is missing, where Go cannot build it
 */
export function useCurrentEtcd(): void {
  cpSync(source, built, { recursive: true });
  try {
    const env = { ...process.env, GOFLAGS: "-mod=mod" };
    execFileSync("go", ["build", "-o", join(built, "bin", "etcd"), "."], { cwd: built, env, stdio: "inherit" });
  } catch (cause) {
    throw new Error("--etcd current needs Go and its module proxy, to build etcd", { cause });
  }
  process.env.PATH = `${join(built, "bin")}${delimiter}${process.env.PATH}`;
}
