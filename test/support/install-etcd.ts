import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

function works(command: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const hasEtcd = () => works("etcd", "--version");

/** Installs etcd by the system's package manager, where it may. */
function install(): void {
  if (existsSync("/etc/debian_version") && process.getuid?.() === 0) {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const apt = (...args: readonly string[]) => execFileSync("apt-get", args, { stdio: "inherit", env });
    const packages = ["etcd-server", "etcd-client"];
    // The package starts a server of its own where there is an init system; the tests start theirs.
    if (!works("apt-get", "install", "-y", "--no-install-recommends", ...packages)) {
      apt("update");
      apt("install", "-y", "--no-install-recommends", ...packages);
    }
  } else if (works("brew", "--version")) {
    execFileSync("brew", ["install", "etcd"], { stdio: "inherit" });
  }
}

/**
 * Vitest's global setup: brings an etcd for the tests, from PATH or by the system's package manager. Where there is
 * none the suites for a real etcd do not run, which is said loudly; with CI=true it is a failure.
 */
export default function setup(): void {
  if (hasEtcd()) return;
  let reason = "there is no package manager that may install it";
  try {
    install();
  } catch (error) {
    reason = (error as Error).message;
  }
  if (hasEtcd()) return;
  const message = `etcd is not on PATH and could not be installed: ${reason}`;
  if (process.env.CI === "true") throw new Error(message);
  console.warn(
    `\n${"!".repeat(80)}\n${message}\nThe suites for a real etcd DO NOT RUN; only the embedded one is tested.\n${"!".repeat(80)}\n`,
  );
}

if (import.meta.main) setup();
