import { readdirSync } from "node:fs";
import type { Usage } from "./protocol.ts";

/** What this process takes up now. Run it with `--expose-gc`. */
export function measure(): Usage {
  // The second collects what the first only let go of: what hung on finalizers and weak references.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return { heapMb: megabytes(heapUsed), rssMb: megabytes(rss), files: readdirSync("/dev/fd").length };
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 104_857.6) / 10;
}
