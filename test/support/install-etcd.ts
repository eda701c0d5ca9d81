import { ensure } from "./install-program.ts";

/** Vitest's global setup: an etcd for the tests. */
export default function setup(): void {
  ensure({
    name: "etcd",
    check: ["etcd", "--version"],
    apt: ["etcd-server", "etcd-client"],
    brew: "etcd",
    without: "The suites for a real etcd DO NOT RUN; only the embedded one is tested.",
  });
}

if (import.meta.main) setup();
