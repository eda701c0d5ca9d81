import type { Call, Handler, Reply } from "../core/call.ts";
import { Code } from "../core/code.ts";
import type { HedgePolicy } from "../core/policy.ts";
import { pushbackOf } from "../core/pushback.ts";
import { RpcError } from "../core/rpc-error.ts";
import { type Trail, trailKey } from "../core/trail.ts";
import { attemptMetadata, cancelledBy, forbidAbove, type Resend, withinRetry } from "./resend.ts";

export interface HedgeContext extends Resend {
  readonly policy: Required<HedgePolicy>;
  /** The codes that are worth another attempt. */
  readonly codes: readonly string[];
}

/**
 * Hedging, as gRPC's A6 has it: one more attempt each `delayMs` until one of them answers, and at once when one fails
 * with a code that is worth another. The first answer wins and the others are cancelled; for a stream, to open is to
 * answer. Each attempt but the first draws on the channel's budget, so that a slow service is not given twice the load.
 * A server's pushback delays the next attempt, or ends them.
 */
export function hedge(call: Call, next: Handler, context: HedgeContext): Promise<Reply> {
  return new Promise((resolve, reject) => new HedgedCall(call, next, context, resolve, reject).send());
}

class HedgedCall {
  readonly #call: Call;
  readonly #next: Handler;
  readonly #context: HedgeContext;
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (error: RpcError) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #running = new Map<AbortController, Trail>();
  #sent = 0;
  #maxAttempts: number;
  #freeSent = false;
  /** Where the latest attempt went. */
  #latest: string | undefined;
  #lastError: RpcError | undefined;
  #stopTimer: (() => void) | undefined;

  constructor(
    call: Call,
    next: Handler,
    context: HedgeContext,
    resolve: (reply: Reply) => void,
    reject: (error: RpcError) => void,
  ) {
    this.#call = call;
    this.#next = next;
    this.#context = context;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#maxAttempts = withinRetry() ? 1 : context.policy.maxAttempts;
    this.#signal = call.signal;
    this.#signal?.addEventListener("abort", this.#cancelled);
  }

  send(): void {
    const call = this.#call;
    for (const { address } of this.#running.values()) this.#latest = address ?? this.#latest;
    const controller = new AbortController();
    const trail: Trail = { address: undefined };
    this.#running.set(controller, trail);
    const attempt = call.with({
      attempt: ++this.#sent,
      avoid: this.#latest,
      metadata: attemptMetadata(call, this.#sent - 1),
      // The caller's own signal goes on to hold for the winner, whose stream may be long.
      cancellation: this.#signal === undefined ? controller.signal : AbortSignal.any([this.#signal, controller.signal]),
    });
    this.#sendAfter(this.#context.policy.delayMs);
    this.#next(attempt.set(trailKey, trail)).then(
      (reply) => this.#won(controller, reply),
      (error) => this.#lost(controller, attempt.attempt, RpcError.from(error)),
    );
  }

  #sendAfter(delayMs: number): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    const { clock, budget } = this.#context;
    if (this.#sent >= this.#maxAttempts || clock.now() + delayMs >= this.#call.deadline) return;
    const due = (): void => {
      this.#stopTimer = undefined;
      if (budget.withdraw()) this.send();
      else this.#failUnlessRunning();
    };
    this.#stopTimer = clock.setTimeout(due, delayMs, true);
  }

  #won(controller: AbortController, reply: Reply): void {
    if (!this.#running.delete(controller)) return;
    this.#context.budget.deposit();
    this.#end();
    this.#resolve(reply);
  }

  #lost(controller: AbortController, attempt: number, error: RpcError): void {
    if (!this.#running.delete(controller)) return;
    this.#latest = error.peer ?? this.#latest;
    this.#lastError = error;
    this.#context.logger.debug(
      { method: this.#call.method.path, attempt, peer: error.peer, code: error.codeName, hedged: true },
      `attempt failed: ${error.message}`,
    );
    if (this.#isWorthAnother(error)) this.#sendAnother(error);
    else this.#fail(error);
  }

  #sendAnother(error: RpcError): void {
    const pushback = pushbackOf(error.metadata);
    if (pushback === "never") this.#stop();
    else if (pushback !== undefined) this.#sendAfter(pushback);
    else if (this.#maySendNow(error)) this.send();
    this.#failUnlessRunning();
  }

  #isWorthAnother(error: RpcError): boolean {
    return error.unprocessed ? error.peer !== undefined : this.#context.codes.includes(error.codeName);
  }

  #maySendNow(error: RpcError): boolean {
    const { clock, budget } = this.#context;
    if (clock.now() >= this.#call.deadline) return false;
    // As in a retry, the first attempt that no server took up is replaced free, even with a single attempt allowed.
    if (error.unprocessed && !this.#freeSent) {
      this.#freeSent = true;
      this.#maxAttempts++;
      return true;
    }
    return this.#sent < this.#maxAttempts && budget.withdraw();
  }

  #failUnlessRunning(): void {
    if (this.#running.size > 0 || this.#stopTimer !== undefined || this.#lastError === undefined) return;
    this.#fail(forbidAbove(this.#lastError));
  }

  #fail(error: RpcError): void {
    this.#end();
    this.#reject(error);
  }

  readonly #cancelled = (): void => {
    // The attempts hear of it by themselves; what they reject with comes too late to matter.
    this.#running.clear();
    this.#end();
    this.#reject(cancelledBy(this.#signal));
  };

  /** No further attempt is sent. */
  #stop(): void {
    this.#maxAttempts = 0;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  #end(): void {
    this.#stop();
    this.#signal?.removeEventListener("abort", this.#cancelled);
    const reason = new RpcError(Code.CANCELLED, "another attempt at the call was quicker");
    const losers = [...this.#running.keys()];
    this.#running.clear();
    for (const loser of losers) loser.abort(reason);
  }
}
