import type { Method } from "../core/method.ts";
import { type AdaptiveLimitOptions, createAdaptiveLimit } from "./adaptive-limit.ts";
import { changeOf, endWindow, type Latency, meanOf, newLatency, slowdownOf } from "./latency.ts";
import { type LoopDelay, loopDelay } from "./loop-delay.ts";

export interface GaugeOptions extends AdaptiveLimitOptions {
  readonly maxLoopDelayMs: number;
  readonly loopDelay?: LoopDelay | undefined;
}

/** Watches how a server fares, and says how many calls may be under way. */
export interface Gauge {
  readonly limit: number;
  /** So many calls are under way, one more than before. */
  started(inflight: number): void;
  /** A call was not let in at once. */
  turnedAway(): void;
  answered(method: Method, startedMs: number, nowMs: number): void;
  /**
   * A turn of the event loop is over that had calls in it. Returns whether calls were turned away in the time that the
   * limit was set from, or `undefined` while that goes on.
   */
  turnEnded(nowMs: number, lastedMs: number, inflight: number): boolean | undefined;
}

/** The limit is set from the answers of this time; where they are fewer than twenty, of up to ten times as long. */
const windowMs = 100;
const windowAnswers = 20;
const longestWindowMs = 1_000;
/** While the limit is searched for, as many answers as it lets in are enough after this time. */
const roundMs = 10;

/**
 * Once the limit has been changed nothing counts until the change can be seen: until the calls under way are no more than
 * it, and one that began since then has been answered, and not only because it was a quick one. So each change is made
 * from what the last one did. Without this a server whose calls take long has its limit cut again and again for the same
 * delay.
 */
export function createGauge(options: GaugeOptions, nowMs: number): Gauge {
  const adaptive = createAdaptiveLimit(options);
  const latencies = new Map<Method, Latency>();
  let delayOfLoop = options.loopDelay;
  let beganMs = nowMs;
  let answers = 0;
  let peak = 0;
  let full = false;
  /** Of the window before. */
  let wasFull = false;
  let lastMeanMs = 0;
  let settling: "draining" | "answering" | "answered" | undefined;
  let drainedAtMs = 0;
  /** Milliseconds until the calls that began under the last limit are answered, as far as one can tell. */
  let settleMs = 0;

  function latencyOf(method: Method): Latency {
    let latency = latencies.get(method);
    if (latency === undefined) {
      latency = newLatency();
      latencies.set(method, latency);
    }
    return latency;
  }

  /** What was seen no longer counts. */
  function begin(atMs: number, inflight: number): void {
    beganMs = atMs;
    peak = inflight;
    answers = 0;
    full = false;
  }

  function settled(atMs: number, inflight: number): boolean {
    if (settling === undefined) return true;
    if (settling === "draining" && inflight <= adaptive.limit) {
      settling = "answering";
      drainedAtMs = atMs;
    }
    if (settling !== "answered" || atMs - drainedAtMs < settleMs) return false;
    settling = undefined;
    endWindow(latencies.values());
    begin(atMs, inflight);
    return false;
  }

  function isOver(lastedMs: number): boolean {
    if (answers === 0) return false;
    if (answers < windowAnswers) return lastedMs >= longestWindowMs;
    const round = adaptive.searching && answers >= adaptive.limit;
    return lastedMs >= (round ? roundMs : windowMs);
  }

  return {
    get limit() {
      return adaptive.limit;
    },
    started(inflight) {
      if (inflight > peak) peak = inflight;
    },
    turnedAway() {
      if (!full && !wasFull && settling === undefined && lastMeanMs > 0) {
        settling = "draining";
        settleMs = lastMeanMs;
        wasFull = true;
      }
      full = true;
    },
    answered(method, startedMs, nowMs) {
      if (settling === "answering" && startedMs >= drainedAtMs) settling = "answered";
      const latency = latencyOf(method);
      latency.totalMs += nowMs - startedMs;
      latency.calls++;
      answers++;
    },
    turnEnded(nowMs, turnMs, inflight) {
      if (!settled(nowMs, inflight) || !isOver(nowMs - beganMs)) return undefined;
      delayOfLoop ??= loopDelay();
      // A turn that is only just over has left no sample yet.
      const loopPressure = Math.max(delayOfLoop(), turnMs) / options.maxLoopDelayMs;
      const was = adaptive.limit;
      const first = lastMeanMs === 0;
      lastMeanMs = meanOf(latencies.values());
      const slowdown = slowdownOf(latencies.values());
      const lesson = adaptive.observe({ slowdown, change: changeOf(latencies.values()), loopPressure, peak, full });
      // What came first met an empty server.
      if (adaptive.limit !== was || (first && full)) {
        settling = "draining";
        // What a fall has left waits as much less as there is less of it.
        settleMs = lastMeanMs * Math.min(1, adaptive.limit / was);
      }
      wasFull = full;
      endWindow(latencies.values(), lesson);
      begin(nowMs, inflight);
      return wasFull;
    },
  };
}
