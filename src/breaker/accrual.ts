export interface AccrualOptions {
  /** Faults in a row, with no answer between them, that open the circuit; 5 by default. */
  readonly consecutiveFaults?: number | undefined;
  /** The part of the calls in a window, 0 to 1, that must be faults to open the circuit; 0.5 by default. */
  readonly faultRate?: number | undefined;
  /** Calls that a window must hold before its rate is looked at; 20 by default. */
  readonly minimumCalls?: number | undefined;
  /** Milliseconds that a window lasts; 10,000 by default. */
  readonly windowMs?: number | undefined;
}

/** Counts one peer's answers and faults, and says when they are too many. */
export interface Accrual {
  answered(): void;
  /** True when this fault is the one too many. */
  faulted(nowMs: number): boolean;
  reset(): void;
}

/**
 * Failure accrual: faults in a row, or a rate over a window. Finagle's default is the same pair: 5 in a row, or a
 * success rate that is too low over 30 s and at least 5 calls.
 * https://github.com/twitter/finagle/blob/develop/finagle-core/src/main/scala/com/twitter/finagle/liveness/FailureAccrualPolicy.scala
 * The row finds a dead server within five calls however few replicas there are; the rate finds one that fails half of
 * its calls and is never five down.
 *
 * The options are asked for at each fault: they may change. A window starts with a fault, and the first fault after its end starts the next. So a healthy peer's answer costs
 * one comparison and the clock is read only for a fault.
 */
export function accrual(options: () => AccrualOptions = () => ({})): Accrual {
  let inRow = 0;
  let faults = 0;
  let answers = 0;
  let windowEndMs = 0;

  function reset(): void {
    inRow = faults = answers = 0;
  }

  return {
    answered() {
      if (faults === 0) return;
      inRow = 0;
      answers++;
    },
    faulted(nowMs) {
      const { consecutiveFaults = 5, faultRate = 0.5, minimumCalls = 20, windowMs = 10_000 } = options();
      if (faults === 0 || nowMs >= windowEndMs) {
        windowEndMs = nowMs + windowMs;
        faults = answers = 0;
      }
      faults++;
      inRow++;
      if (inRow >= consecutiveFaults) return true;
      const calls = faults + answers;
      return calls >= minimumCalls && faults >= calls * faultRate;
    },
    reset,
  };
}
