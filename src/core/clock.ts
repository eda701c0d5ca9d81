import { now } from "./deadline.ts";

/** Time, for everything that waits: a test or a simulation hands in its own. */
export interface Clock {
  /** Milliseconds that never jump; deadlines are on this clock. */
  now(): number;
  /**
   * Runs `run` once, `delayMs` from now, unless the returned function is called before. With `holdProcess` the process
   * stays alive for it: what a call waits for holds it, a chore in the background does not.
   */
  setTimeout(run: () => void, delayMs: number, holdProcess?: boolean): () => void;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now,
  setTimeout(run, delayMs, holdProcess = false) {
    const timer = setTimeout(run, delayMs);
    if (!holdProcess) timer.unref();
    return () => clearTimeout(timer);
  },
};
