// A balancer or a NAT that has forgotten a connection says nothing to either end: whoever uses it next waits for an
// answer that never comes. So one that was idle for long is asked before it is used.

/** Milliseconds without a call after which a connection is asked whether it lives before it is used, by default. */
export const CONFIRM_IDLE_MS = 10_000;
/** How long it has to answer, in milliseconds, at the least: then another is made. */
const LEAST_PATIENCE_MS = 500;
/** To connect takes two round trips or more, so that an answer that takes longer than this is lost. */
const PATIENT_TIMES = 3;

/** How long a connection has to answer, in milliseconds, where it took so long to make it. */
export function patienceMs(connectingTookMs: number): number {
  return Math.max(LEAST_PATIENCE_MS, PATIENT_TIMES * connectingTookMs);
}

/** Why it was given up. */
export const NO_ANSWER = "it was idle, and did not answer a ping";
