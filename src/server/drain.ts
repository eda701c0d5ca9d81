import { setTimeout as sleep } from "node:timers/promises";
import { isBuiltIn } from "../core/built-in.ts";
import { now } from "../core/deadline.ts";
import { type NumberRange, numberFrom } from "../core/number-range.ts";
import type { Listener } from "../core/transport.ts";

export interface DrainOptions {
  /**
   * Milliseconds without a new call after which everybody is taken to have heard. 300 by default, and without a registry
   * 0: there, give what it takes your load balancer to hear of NOT_SERVING.
   */
  readonly quietMs?: number | undefined;
  /** The longest to wait for that, in milliseconds; 5,000 by default. */
  readonly quietTimeoutMs?: number | undefined;
  /** The longest to wait for calls in flight, in milliseconds; then they end with UNAVAILABLE. 10,000 by default. */
  readonly timeoutMs?: number | undefined;
  /**
   * The longest to wait for streams, in milliseconds; then they end with UNAVAILABLE. `timeoutMs` by default, and never
   * more. A stream whose handler heeds `context.draining` ends by itself.
   */
  readonly streamGraceMs?: number | undefined;
}

const any: NumberRange = numberFrom(0, { endless: true });
export const drainRanges: { readonly [K in keyof DrainOptions]-?: NumberRange } = {
  quietMs: any,
  quietTimeoutMs: any,
  timeoutMs: any,
  streamGraceMs: any,
};

const stepMs = 20;

/** Waits until `arrived()` has not changed for `quietMs`, at most `quietTimeoutMs`. */
export async function quiet(arrived: () => number, options: DrainOptions): Promise<void> {
  const { quietMs = 300, quietTimeoutMs = 5_000 } = options;
  const end = now() + quietTimeoutMs;
  let seen = arrived();
  let since = now();
  while (now() < end && now() - since < quietMs) {
    await sleep(stepMs);
    if (arrived() === seen) continue;
    seen = arrived();
    since = now();
  }
}

/** Milliseconds that health and reflection have to end of themselves. */
const partingMs = 100;

/**
 * Lets calls in flight finish. Health and reflection hold nothing up; streams that are still open after `streamGraceMs`
 * are ended. Whatever is in flight after `timeoutMs` is left.
 */
export async function finishCalls(listener: Listener, options: DrainOptions): Promise<void> {
  const { timeoutMs = 10_000, streamGraceMs = timeoutMs } = options;
  const beganMs = now();
  const idle = async (graceMs: number): Promise<void> => {
    const end = beganMs + Math.min(graceMs, timeoutMs);
    while (listener.inflight > 0 && now() < end) await sleep(Math.min(stepMs, Math.max(1, end - now())));
  };
  await idle(partingMs);
  if (listener.inflight > 0) listener.end(isBuiltIn);
  await idle(streamGraceMs);
  if (listener.inflight > 0) listener.end((method) => method.requestStream || method.responseStream);
  await idle(timeoutMs);
}
