import { ensure } from "./install-program.ts";

/** Vitest's global setup: an nginx for the tests. */
export default function setup(): void {
  ensure({
    name: "nginx",
    check: ["nginx", "-v"],
    apt: ["nginx-light"],
    brew: "nginx",
    without: "The tests behind a real nginx DO NOT RUN.",
  });
}

if (import.meta.main) setup();
