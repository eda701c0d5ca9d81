import type { Method } from "../core/method.ts";
import { type AdaptiveLimitOptions, createAdaptiveLimit } from "./adaptive-limit.ts";
import { type Latency, newLatency, slowdownOf } from "./latency.ts";
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
  answered(method: Method, tookMs: number): void;
  /**
   * A turn of the event loop is over that had calls in it. Returns whether calls were turned away in the time that the
   * limit was set from, or `undefined` while that goes on.
   */
  turnEnded(nowMs: number, lastedMs: number, inflight: number): boolean | undefined;
}

/** The limit is set from the answers of this time; where they are fewer than ten, of up to ten times as long. */
const windowMs = 100;
const windowAnswers = 10;
const longestWindowMs = 1_000;

export function createGauge(options: GaugeOptions, nowMs: number): Gauge {
  const adaptive = createAdaptiveLimit(options);
  const latencies = new Map<Method, Latency>();
  let delayOfLoop = options.loopDelay;
  let beganMs = nowMs;
  let answers = 0;
  let peak = 0;
  let full = false;

  function latencyOf(method: Method): Latency {
    let latency = latencies.get(method);
    if (latency === undefined) {
      latency = newLatency();
      latencies.set(method, latency);
    }
    return latency;
  }

  return {
    get limit() {
      return adaptive.limit;
    },
    started(inflight) {
      if (inflight > peak) peak = inflight;
    },
    turnedAway() {
      full = true;
    },
    answered(method, tookMs) {
      const latency = latencyOf(method);
      latency.totalMs += tookMs;
      latency.calls++;
      answers++;
    },
    turnEnded(nowMs, turnMs, inflight) {
      const lastedMs = nowMs - beganMs;
      if (answers === 0 || lastedMs < (answers < windowAnswers ? longestWindowMs : windowMs)) return undefined;
      delayOfLoop ??= loopDelay();
      // A turn that is only just over has left no sample yet.
      const loopPressure = Math.max(delayOfLoop(), turnMs) / options.maxLoopDelayMs;
      adaptive.observe({ slowdown: slowdownOf(latencies.values(), full), loopPressure, peak });
      const wasFull = full;
      beganMs = nowMs;
      peak = inflight;
      answers = 0;
      full = false;
      return wasFull;
    },
  };
}
