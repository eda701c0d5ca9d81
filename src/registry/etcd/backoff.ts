import { timer } from "./timer.ts";

/** Resolves after `delayMs`, or at once when the signal aborts. Never rejects. */
export function sleep(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const wake = () => {
      clearTimeout(waiting);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const waiting = timer(delayMs, wake);
    signal.addEventListener("abort", wake);
  });
}

export interface Backoff {
  /** Waits longer each time, or until the signal aborts. */
  wait(signal: AbortSignal): Promise<void>;
  /** It went well: the next wait is short again. */
  reset(): void;
}

export interface BackoffOptions {
  readonly initialMs?: number;
  readonly maxMs?: number;
  readonly random?: () => number;
}

/** Doubles from 100 ms to 3 s, times a random 0.5 to 1.5, so that a thousand servers do not come back as one. */
export function createBackoff({ initialMs = 100, maxMs = 3_000, random = Math.random }: BackoffOptions = {}): Backoff {
  let nextMs = initialMs;
  return {
    wait(signal) {
      const delayMs = nextMs * (0.5 + random());
      nextMs = Math.min(nextMs * 2, maxMs);
      return sleep(delayMs, signal);
    },
    reset() {
      nextMs = initialMs;
    },
  };
}
