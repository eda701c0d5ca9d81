/** One method's latency: what is usual, and what it was lately. */
export interface Latency {
  /** Milliseconds that calls took in the present window, added up. */
  totalMs: number;
  calls: number;
  /** The average over the windows before. */
  usualMs: number;
  /** Windows that it is the average of. */
  windows: number;
}

/** Windows that what is usual is averaged over: 600, as in Netflix's Gradient2; of 100 ms, a minute of them. */
const longestMemory = 600;
/** The first windows count alike, so that the very first does not stand for the usual. */
const warmup = 10;
/** While the server was full what is usual rises this many times more slowly, lest overload become usual. */
const reluctance = 10;
/** Milliseconds that are never counted as slow: a collection of garbage, a turn of the event loop. */
const graceMs = 5;

export function newLatency(): Latency {
  return { totalMs: 0, calls: 0, usualMs: 0, windows: 0 };
}

/**
 * Ends a window: tells how many times slower than usual calls were in it, each measured by its own method, so that more
 * calls of a slow method are not taken for a slower server. 1 where there was no call.
 */
export function slowdownOf(latencies: Iterable<Latency>, full: boolean): number {
  let weighted = 0;
  let calls = 0;
  for (const latency of latencies) {
    if (latency.calls === 0) continue;
    const meanMs = latency.totalMs / latency.calls;
    const usualMs = latency.windows === 0 ? meanMs : latency.usualMs;
    weighted += (latency.calls * (meanMs + graceMs)) / (usualMs + graceMs);
    calls += latency.calls;
    learn(latency, meanMs, full);
    latency.totalMs = latency.calls = 0;
  }
  return calls === 0 ? 1 : weighted / calls;
}

function learn(latency: Latency, meanMs: number, full: boolean): void {
  const window = ++latency.windows;
  let weight = window <= warmup ? 1 / window : 2 / (longestMemory + 1);
  if (full && meanMs > latency.usualMs && window > 1) weight /= reluctance;
  latency.usualMs += (meanMs - latency.usualMs) * weight;
  // What was learnt under load that is now gone is unlearnt within seconds, as in Gradient2.
  if (latency.usualMs > 2 * meanMs) latency.usualMs *= 0.95;
}
