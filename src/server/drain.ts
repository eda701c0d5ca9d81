import { setTimeout as sleep } from "node:timers/promises";
import { now } from "../core/deadline.ts";

export interface DrainOptions {
  /** Milliseconds without a new call after which everybody is taken to have heard; 300 by default. */
  readonly quietMs?: number | undefined;
  /** The longest to wait for that, in milliseconds; 5,000 by default. */
  readonly quietTimeoutMs?: number | undefined;
  /** The longest to wait for calls in flight, in milliseconds; then they end with UNAVAILABLE. 10,000 by default. */
  readonly timeoutMs?: number | undefined;
}

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

/** Waits until no call is in flight, at most `timeoutMs`. */
export async function idle(inflight: () => number, options: DrainOptions): Promise<void> {
  const { timeoutMs = 10_000 } = options;
  const end = now() + timeoutMs;
  while (inflight() > 0 && now() < end) await sleep(stepMs);
}
