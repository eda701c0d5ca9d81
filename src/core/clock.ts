import { NEVER, now } from "./deadline.ts";

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

/** The longest that a Node timer can wait, in milliseconds: one that is asked for more rings at once. */
export const LONGEST_TIMER_MS: number = 0x7fff_ffff;

const nothing = (): void => {};

/** The clock of the machine. It waits as long as it is asked to; for `Infinity`, for ever and without a timer. */
export const systemClock: Clock = {
  now,
  setTimeout(run, delayMs, holdProcess = false) {
    if (delayMs === NEVER) return nothing;
    if (delayMs > LONGEST_TIMER_MS) return waitOn(run, delayMs, holdProcess);
    // What was to come a moment ago may be past by now, and Node warns of a time before now.
    const timer = setTimeout(run, Math.max(0, delayMs));
    if (!holdProcess) timer.unref();
    return () => clearTimeout(timer);
  },
};

function waitOn(run: () => void, delayMs: number, holdProcess: boolean): () => void {
  const rest = (): void => {
    stop = systemClock.setTimeout(run, delayMs - LONGEST_TIMER_MS, holdProcess);
  };
  let stop = systemClock.setTimeout(rest, LONGEST_TIMER_MS, holdProcess);
  return () => stop();
}
