import { type Clock, systemClock } from "../core/clock.ts";

export interface BudgetOptions {
  /** Retries for each call that succeeds; 0.2 by default. */
  readonly ratio?: number | undefined;
  /** Retries a second that are always allowed, for a channel with few calls; 5 by default. */
  readonly floorPerSecond?: number | undefined;
  /** Milliseconds that what is saved up lasts; 2,000 by default. */
  readonly ttlMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** How many retries and hedges a channel may still make. One for all of its methods. */
export interface RetryBudget {
  /** A call succeeded that might have been retried. */
  deposit(): void;
  /** Takes one retry; false where there is none left. */
  withdraw(): boolean;
  /** Retries that are left. */
  readonly balance: number;
}

/**
 * A retry budget after Finagle's: retries are a part of the calls, plus a floor, and what is saved up is lost with time.
 * https://github.com/twitter/finagle/blob/develop/finagle-core/src/main/scala/com/twitter/finagle/service/RetryBudget.scala
 * Two things differ, both because of a fault of all servers at once. Only calls that succeed pay in, as in gRPC's A6:
 * while nothing succeeds only the floor is left. And savings last 2 s, not 10: ten seconds' worth would answer an outage
 * of 5 s with 1.4 attempts a call.
 *
 * The bucket leaks exponentially, b' = rate - b / ttl, where rate is what is paid in a second. It is worked out only when
 * a retry asks, with the payments since spread evenly: b = b e^(-t/ttl) + rate ttl (1 - e^(-t/ttl)). So a call that needs
 * no retry costs one addition.
 */
export function retryBudget(options: BudgetOptions = {}): RetryBudget {
  const { ratio = 0.2, floorPerSecond = 5, ttlMs = 2_000, clock = systemClock } = options;
  const floorPerMs = floorPerSecond / 1_000;
  let balance = floorPerMs * ttlMs;
  let asOfMs = clock.now();
  let paidIn = 0;

  function bringUpToDate(): void {
    const elapsedMs = clock.now() - asOfMs;
    if (elapsedMs <= 0) {
      balance += ratio * paidIn;
    } else {
      const kept = Math.exp(-elapsedMs / ttlMs);
      const perMs = (ratio * paidIn) / elapsedMs + floorPerMs;
      balance = balance * kept + perMs * ttlMs * (1 - kept);
    }
    asOfMs += Math.max(0, elapsedMs);
    paidIn = 0;
  }

  return {
    deposit() {
      paidIn++;
    },
    withdraw() {
      bringUpToDate();
      if (balance < 1) return false;
      balance--;
      return true;
    },
    get balance() {
      bringUpToDate();
      return balance;
    },
  };
}
