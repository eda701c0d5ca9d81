import type { Call, Handler, Interceptor, Reply } from "../core/call.ts";
import type { StopReason } from "../core/call-record.ts";
import { DEFAULT_POLICY, type Policies, type Policy, policies } from "../core/policies.ts";
import type { RetryPolicy } from "../core/policy.ts";
import { pushbackMsOf } from "../core/pushback.ts";
import { RpcError } from "../core/rpc-error.ts";
import { type AttemptLog, createAttemptLog } from "./attempt-log.ts";
import { backoffMs } from "./backoff.ts";
import { hedge } from "./hedge.ts";
import { pause } from "./pause.ts";
import { type HeldRequests, heldRequests } from "./request.ts";
import {
  attemptMetadata,
  forbidAbove,
  type Resend,
  type ResendOptions,
  resendWith,
  send,
  withinRetry,
} from "./resend.ts";

export interface RetryOptions extends ResendOptions {
  /** How the policy of a call is found; the contract's and the defaults alone by default. */
  readonly policyOf?: Policies | undefined;
}

/**
 * Sends a failed call again, as gRPC's A6 has it: https://github.com/grpc/proposal/blob/master/A6-client-retries.md
 * Stands above `balance`, so that each attempt picks a peer anew, and one that is not the last one's where it can.
 *
 * - A method that is declared idempotent is retried by its policy: attempts, codes, backoff with jitter, the server's
 *   pushback, within the channel's budget.
 * - A call that no server took up is sent again whatever the method. The first time at once and free, as nothing was
 *   asked of any server; after that it follows the policy too.
 * - A safe call whose connection broke is sent again at once, and the first time outside the budget: many calls are
 *   lost together when one server goes, which says nothing of the load on the others, and each is sent again once.
 * - Where no peer was picked nothing is sent again: the balancer has waited for one already.
 * - Never after a reply has begun: a stream that opened is the caller's, and so is its end.
 * - Never what failed on this side, nor what a server, or the calls that it made in turn, have said to be final.
 * - Never past the deadline: a wait that would outlast it fails at once, with the last error.
 *
 * A call whose policy hedges is hedged instead.
 */
export function retry(options: RetryOptions = {}): Interceptor {
  const { policyOf = policies() } = options;
  const resend = resendWith(options);

  function succeeded(reply: Reply): Reply {
    resend.budget.deposit();
    return reply;
  }

  return (next) => (call) => {
    let policy: Policy;
    try {
      policy = policyOf(call.method, call.policy);
    } catch (error) {
      return Promise.reject(error);
    }
    if (policy.hedge !== undefined) {
      const { retryableCodes } = policy.retry ?? DEFAULT_POLICY.retry;
      return hedge(call, next, { ...resend, policy: policy.hedge, codes: retryableCodes });
    }
    const requests = heldRequests(call);
    const sent = requests === undefined ? call : call.with({ request: requests.next() });
    return send(next, sent).then(policy.retry === undefined ? undefined : succeeded, (error) =>
      sendAgain(call, next, { policy: policy.retry, requests, resend }, RpcError.from(error)),
    );
  };
}

interface Context {
  readonly policy: Required<RetryPolicy> | undefined;
  readonly requests: HeldRequests | undefined;
  readonly resend: Resend;
}

/** How far a call has come. */
interface Progress {
  /** Attempts in all. */
  sent: number;
  /** Attempts that count against the policy: all but the free one. */
  counted: number;
  /** Whether it has been sent again because a connection broke. */
  reconnected: boolean;
  /** Backoffs since the server last said itself how long to wait. */
  backoffs: number;
  /** Another attempt would have been worth it, but no more were allowed. */
  spent: boolean;
}

async function sendAgain(call: Call, next: Handler, context: Context, firstError: RpcError): Promise<Reply> {
  try {
    return await attempts(call, next, context, firstError);
  } catch (error) {
    context.requests?.release();
    throw error;
  }
}

async function attempts(call: Call, next: Handler, context: Context, firstError: RpcError): Promise<Reply> {
  const { requests, resend, policy } = context;
  const progress: Progress = { sent: 1, counted: 1, reconnected: false, backoffs: 0, spent: false };
  const log = createAttemptLog(call, resend);
  let pausedMs = 0;
  for (let error = firstError; ; ) {
    const wait = delayBefore(call, error, progress, context);
    const delayMs = typeof wait === "number" ? wait : undefined;
    tellFailed(call, error, { attempt: progress.sent, againInMs: delayMs }, resend);
    log.failed(progress.sent, error, pausedMs);
    if (typeof wait !== "number") throw log.ended(progress.spent ? forbidAbove(error) : error, wait);
    pausedMs = wait;
    if (wait > 0) await paused(call, wait, log, resend);
    progress.sent++;
    try {
      const reply = await send(next, attempt(call, progress, error.peer, requests));
      if (policy !== undefined) resend.budget.deposit();
      return reply;
    } catch (caught) {
      error = RpcError.from(caught);
    }
  }
}

async function paused(call: Call, delayMs: number, log: AttemptLog, { clock }: Resend): Promise<void> {
  try {
    await pause(call, delayMs, clock);
  } catch (error) {
    throw log.ended(RpcError.from(error), "cancelled");
  }
}

function tellFailed(
  { method: { path: method } }: Call,
  { peer, codeName: code, message }: RpcError,
  { attempt, againInMs }: { readonly attempt: number; readonly againInMs: number | undefined },
  { facts: { on }, budget }: Resend,
): void {
  on["attempt-failed"]?.({ method, attempt, peer, code, message, againInMs, hedged: undefined });
  if (againInMs === undefined) return;
  on["retry-planned"]?.({ method, attempt: attempt + 1, peer, delayMs: againInMs, budgetLeft: budget.balance });
}

function attempt(call: Call, progress: Progress, avoid: string | undefined, requests: HeldRequests | undefined): Call {
  const metadata = attemptMetadata(call, progress.counted - 1);
  return call.with({ attempt: progress.sent, avoid, metadata, ...(requests && { request: requests.next() }) });
}

/** Milliseconds until the next attempt, for which it makes room in `progress`; or why there is none. */
function delayBefore(call: Call, error: RpcError, progress: Progress, context: Context): number | StopReason {
  const { requests, resend } = context;
  const { unprocessed } = error;
  if (call.cancellation?.reason !== undefined) return "cancelled";
  if (error.local) return "local";
  if (error.final) return "final";
  if (unprocessed && error.peer === undefined) return "no-peer";
  if (requests?.begun) return "requests-read";
  if (unprocessed && progress.sent === 1) return resend.clock.now() < call.deadline ? 0 : "deadline";

  const policy = context.policy ?? (unprocessed ? DEFAULT_POLICY.retry : undefined);
  if (policy === undefined) return whyNever(call, error);
  if (!unprocessed && !policy.retryableCodes.includes(error.codeName)) return answered(error);
  return delayWithin(policy, call, error, progress, context);
}

function answered({ codeName }: RpcError): StopReason {
  return codeName === "DEADLINE_EXCEEDED" ? "deadline" : "answered";
}

function whyNever({ method }: Call, error: RpcError): StopReason {
  if (!DEFAULT_POLICY.retry.retryableCodes.includes(error.codeName)) return answered(error);
  return method.idempotency === "IDEMPOTENCY_UNKNOWN" ? "not-idempotent" : "retry-off";
}

function delayWithin(
  policy: Required<RetryPolicy>,
  call: Call,
  error: RpcError,
  progress: Progress,
  { resend }: Context,
): number | StopReason {
  // It is worth another attempt. Where there is none for all that, this level has done its part.
  progress.spent = true;
  if (progress.counted >= policy.maxAttempts) return "attempts";
  if (withinRetry()) return "within-retry";
  const free = error.disconnected && !progress.reconnected;
  const pushback = pushbackMsOf(error.metadata);
  const delayMs = free ? 0 : (pushback ?? backoffMs(policy, progress.backoffs + 1, resend.random));
  if (resend.clock.now() + delayMs >= call.deadline) return "deadline";
  if (!free && !resend.budget.withdraw()) {
    resend.facts.on["budget-exhausted"]?.({ method: call.method.path, attempts: progress.sent });
    return "budget";
  }
  progress.spent = false;
  progress.reconnected ||= free;
  progress.backoffs = pushback === undefined ? progress.backoffs + 1 : 0;
  progress.counted++;
  return delayMs;
}
