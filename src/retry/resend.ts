import type { Call, Handler, Reply } from "../core/call.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { askForCurrentCall, currentCall } from "../core/context.ts";
import { type Facts, factsOf } from "../core/facts.ts";
import type { Logger } from "../core/logger.ts";
import type { Metadata } from "../core/metadata.ts";
import { noReply } from "../core/no-reply.ts";
import { PREVIOUS_ATTEMPTS } from "../core/pushback.ts";
import type { RpcError } from "../core/rpc-error.ts";
import type { ServiceView } from "../core/service-view.ts";
import { type RetryBudget, retryBudget } from "./budget.ts";

export interface ResendOptions {
  /** One of its own for each channel, by default. */
  readonly budget?: RetryBudget | undefined;
  /** Who is told of attempts, in place of `logger`. */
  readonly facts?: Facts | undefined;
  /** Gets a line at debug for each failed attempt. */
  readonly logger?: Logger | undefined;
  /** How a service's servers stand, for the record of a call that failed. */
  readonly view?: ((service: string) => ServiceView | undefined) | undefined;
  readonly clock?: Clock | undefined;
  /** A random number from 0 to 1; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

/** What a retry and a hedge both stand on. */
export interface Resend {
  readonly budget: RetryBudget;
  readonly facts: Facts;
  readonly view: (service: string) => ServiceView | undefined;
  readonly clock: Clock;
  readonly random: () => number;
}

export function resendWith(options: ResendOptions): Resend {
  askForCurrentCall(); // Whether a call is itself made within a retry depends on it.
  const { clock = systemClock, random = Math.random } = options;
  const { view = () => undefined } = options;
  return { clock, random, view, facts: factsOf(options), budget: options.budget ?? retryBudget({ clock }) };
}

/**
 * True when the call was made while answering one that is itself a retry. Then it is not sent again: of a chain of
 * services one level retries, or each level would multiply the load that the one below sees.
 */
export function withinRetry(): boolean {
  return currentCall()?.metadata.has(PREVIOUS_ATTEMPTS) === true;
}

/**
 * The error of a call that would be worth another attempt, but has had its attempts, or finds the budget spent. Within a
 * handler it tells the client above, should the handler pass it on, that it need not try either. (Finagle marks a failure
 * as not retryable for the same reason.)
 */
export function forbidAbove(error: RpcError): RpcError {
  return error.final || currentCall() === undefined ? error : error.with({ final: true });
}

/** Sends one attempt. What an interceptor throws is that attempt's failure, at once or later. */
export function send(next: Handler, attempt: Call): Promise<Reply> {
  try {
    const reply: Promise<Reply> | undefined = next(attempt);
    return typeof reply?.then === "function" ? reply : Promise.reject(noReply(attempt.method));
  } catch (thrown) {
    return Promise.reject(thrown);
  }
}

/** The metadata of an attempt that has `previous` before it. */
export function attemptMetadata(call: Call, previous: number): Metadata {
  return previous === 0 ? call.metadata : call.metadata.withReserved(PREVIOUS_ATTEMPTS, String(previous));
}
