import type { Lesson } from "./adaptive-limit.ts";

/** One method's latency: what is usual, and what it was lately. */
export interface Latency {
  /** Milliseconds that calls took in the present window, added up. */
  totalMs: number;
  calls: number;
  /** What is usual: an average over the windows before. */
  usualMs: number;
  /** Windows that it is the average of. */
  windows: number;
  /** What calls took in the window before this one that had any, on average. */
  lastMs: number;
}

/** Windows that what is usual is averaged over: 600, as in Netflix's Gradient2; of 100 ms, a minute of them. */
const longestMemory = 600;
/** The first windows count alike, so that the very first does not stand for the usual. */
const warmup = 10;
/** What a lower latency weighs that was seen under load. */
const loadedWeight = 0.5;
/** Milliseconds that are never counted as slow: a collection of garbage, a turn of the event loop. */
const graceMs = 5;

export function newLatency(): Latency {
  return { totalMs: 0, calls: 0, usualMs: 0, windows: 0, lastMs: 0 };
}

/**
 * How many times slower than usual calls were in this window, each measured by its own method, so that more calls of a
 * slow method are not taken for a slower server. 1 where there was no call.
 */
export function slowdownOf(latencies: Iterable<Latency>): number {
  return ratio(latencies, ({ usualMs }) => usualMs);
}

/** How many times slower than in the window before. */
export function changeOf(latencies: Iterable<Latency>): number {
  return ratio(latencies, ({ lastMs }) => lastMs);
}

function ratio(latencies: Iterable<Latency>, baseOf: (latency: Latency) => number): number {
  let weighted = 0;
  let calls = 0;
  for (const latency of latencies) {
    if (latency.calls === 0) continue;
    const meanMs = latency.totalMs / latency.calls;
    const baseMs = latency.windows === 0 ? meanMs : baseOf(latency);
    weighted += (latency.calls * (meanMs + graceMs)) / (baseMs + graceMs);
    calls += latency.calls;
  }
  return calls === 0 ? 1 : weighted / calls;
}

/** The average over all methods in this window, in milliseconds; 0 where there was no call. */
export function meanOf(latencies: Iterable<Latency>): number {
  let totalMs = 0;
  let calls = 0;
  for (const latency of latencies) {
    totalMs += latency.totalMs;
    calls += latency.calls;
  }
  return calls === 0 ? 0 : totalMs / calls;
}

/** Ends a window: learns from it what it teaches, or nothing, and begins the next. */
export function endWindow(latencies: Iterable<Latency>, lesson?: Lesson): void {
  for (const latency of latencies) {
    if (latency.calls > 0 && lesson !== undefined) learn(latency, latency.totalMs / latency.calls, lesson);
    latency.totalMs = latency.calls = 0;
  }
}

function learn(latency: Latency, meanMs: number, lesson: Lesson): void {
  const window = ++latency.windows;
  latency.lastMs = meanMs;
  if (window === 1) latency.usualMs = meanMs;
  const byTime = window <= warmup ? 1 / window : 2 / (longestMemory + 1);
  if (lesson === "room") {
    latency.usualMs += (meanMs - latency.usualMs) * byTime;
    // What was learnt under load that is now gone is unlearnt within seconds, as in Gradient2.
    if (latency.usualMs > 2 * meanMs) latency.usualMs *= 0.95;
  } else if (lesson === "bare") latency.usualMs = meanMs;
  else if (meanMs < latency.usualMs) latency.usualMs += (meanMs - latency.usualMs) * loadedWeight;
}
