import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

/** A program that tests need, and which the system's package manager may bring. */
export interface Needed {
  readonly name: string;
  /** A command that works where it is there: `["etcd", "--version"]`. */
  readonly check: readonly [command: string, ...args: string[]];
  /** Debian's packages, and Homebrew's. */
  readonly apt: readonly string[];
  readonly brew: string;
  /** What does not run without it. */
  readonly without: string;
}

export function works([command, ...args]: Needed["check"]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function install({ apt: packages, brew }: Needed): void {
  if (existsSync("/etc/debian_version") && process.getuid?.() === 0) {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const apt = (...args: readonly string[]) => execFileSync("apt-get", args, { stdio: "inherit", env });
    // A package starts a server of its own where there is an init system; the tests start theirs.
    if (!works(["apt-get", "install", "-y", "--no-install-recommends", ...packages])) {
      apt("update");
      apt("install", "-y", "--no-install-recommends", ...packages);
    }
  } else if (works(["brew", "--version"])) {
    execFileSync("brew", ["install", brew], { stdio: "inherit" });
  }
}

/**
 * Brings a program, from PATH or by the system's package manager. Where there is none it is said loudly what does not
 * run; with CI=true it is a failure.
 */
export function ensure(needed: Needed): void {
  if (works(needed.check)) return;
  let reason = "there is no package manager that may install it";
  try {
    install(needed);
  } catch (error) {
    reason = (error as Error).message;
  }
  if (works(needed.check)) return;
  const message = `${needed.name} is not on PATH and could not be installed: ${reason}`;
  if (process.env.CI === "true") throw new Error(message);
  const line = "!".repeat(80);
  console.warn(`\n${line}\n${message}\n${needed.without}\n${line}\n`);
}
