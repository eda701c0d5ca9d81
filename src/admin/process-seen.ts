import { hostname } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Process } from "../../gen/trunkline/admin/v1/admin.ts";
import { durationOf, timestampOf } from "./times.ts";

const RESOLUTION_MS = 20;
const NANOSECONDS = 1e6;

/** The process itself. */
export interface ProcessSeen {
  /** Measures the event loop until the returned function is called: it costs nothing while nobody looks. */
  watch(): () => void;
  read(): Omit<Process, "logLevel">;
}

export function createProcessSeen(): ProcessSeen {
  let watches = 0;
  let delay: ReturnType<typeof monitorEventLoopDelay> | undefined;

  return {
    watch() {
      watches++;
      if (delay === undefined) {
        delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
        delay.enable();
      }
      return () => {
        watches--;
        if (watches > 0) return;
        delay?.disable();
        delay = undefined;
      };
    },
    read() {
      const late = delay === undefined || delay.count === 0 ? undefined : delay.percentile(99) / NANOSECONDS;
      return {
        pid: process.pid,
        host: hostname(),
        nodeVersion: process.version,
        startedAt: timestampOf(Date.now() - process.uptime() * 1_000),
        residentMemory: BigInt(process.memoryUsage.rss()),
        loopDelay: late === undefined ? undefined : durationOf(Math.max(0, late - RESOLUTION_MS)),
      };
    },
  };
}
