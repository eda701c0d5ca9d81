import { monitorEventLoopDelay } from "node:perf_hooks";

/** Tells for how long the event loop kept things waiting on average since it was last asked, in milliseconds. */
export type LoopDelay = () => number;

const resolutionMs = 10;

/** Measures the delay of this thread's event loop. It neither holds the process nor needs to be closed. */
export function loopDelay(): LoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  let lastMs = 0;
  return () => {
    // Its values are the times between two samples, the resolution counted. In one long turn there is no sample at all.
    if (histogram.count > 0) lastMs = Math.max(0, histogram.mean / 1e6 - resolutionMs);
    histogram.reset();
    return lastMs;
  };
}
