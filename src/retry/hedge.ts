import type { Call, Handler, Reply } from "../core/call.ts";
import type { Cancellation } from "../core/cancellation.ts";
import { Code } from "../core/code.ts";
import type { HedgePolicy } from "../core/policy.ts";
import { pushbackMsOf } from "../core/pushback.ts";
import { RpcError } from "../core/rpc-error.ts";
import { Scope } from "../core/scope.ts";
import { newTrail, type Trail, trailKey } from "../core/trail.ts";
import { type AttemptLog, createAttemptLog } from "./attempt-log.ts";
import { attemptMetadata, forbidAbove, type Resend, send, withinRetry } from "./resend.ts";

export interface HedgeContext extends Resend {
  readonly policy: Required<HedgePolicy>;
  /** The codes that are worth another attempt. */
  readonly codes: readonly string[];
}

/**
 * Hedging, as gRPC's A6 has it: one more attempt each `delayMs` until one of them answers, and at once when one fails
 * with a code that is worth another. The first answer wins and the others are cancelled; for a stream, to open is to
 * answer. Each attempt but the first draws on the channel's budget, so that a slow service is not given twice the load.
 * A server's pushback delays the next attempt, or ends them. An attempt that came to no server ends nothing while another
 * is under way; one that failed on this side is the last.
 */
export function hedge(call: Call, next: Handler, context: HedgeContext): Promise<Reply> {
  return new Promise((resolve, reject) => new HedgedCall(call, next, context, resolve, reject).start());
}

class HedgedCall {
  readonly #call: Call;
  readonly #next: Handler;
  readonly #context: HedgeContext;
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (error: RpcError) => void;
  readonly #running = new Map<Cancellation, Trail>();
  #sent = 0;
  #maxAttempts: number;
  #freeSent = false;
  /** Where the latest attempt went. */
  #latest: string | undefined;
  #lastError: RpcError | undefined;
  /** Made when the first attempt fails. */
  #log: AttemptLog | undefined;
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
  }

  start(): void {
    this.#call.cancellation?.onCancel(this.#cancelled);
    if (this.#maxAttempts > 0) this.#send();
  }

  #send(): void {
    const call = this.#call;
    for (const { address } of this.#running.values()) this.#latest = address ?? this.#latest;
    // The caller's own cancellation goes on to hold for the winner, whose stream may be long.
    const scope = new Scope(undefined, call.cancellation);
    const trail = newTrail(call.get(trailKey));
    this.#running.set(scope, trail);
    const attempt = call.with({
      attempt: ++this.#sent,
      avoid: this.#latest,
      metadata: attemptMetadata(call, this.#sent - 1),
      cancellation: scope,
    });
    if (this.#sent > 1) this.#tellSent();
    this.#sendAfter(this.#context.policy.delayMs);
    send(this.#next, attempt.set(trailKey, trail)).then(
      (reply) => this.#won(scope, reply),
      (error) => this.#lost(scope, attempt.attempt, RpcError.from(error)),
    );
  }

  #tellSent(): void {
    const { facts, budget } = this.#context;
    const method = this.#call.method.path;
    facts.on["hedge-sent"]?.({ method, attempt: this.#sent, budgetLeft: budget.balance });
  }

  #sendAfter(delayMs: number): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    const { clock } = this.#context;
    if (this.#sent >= this.#maxAttempts || clock.now() + delayMs >= this.#call.deadline) return;
    const due = (): void => {
      this.#stopTimer = undefined;
      if (this.#withdraw()) this.#send();
      else this.#failUnlessRunning();
    };
    this.#stopTimer = clock.setTimeout(due, delayMs, true);
  }

  #won(scope: Cancellation, reply: Reply): void {
    if (!this.#running.delete(scope)) return;
    this.#context.budget.deposit();
    this.#end();
    this.#resolve(reply);
  }

  #lost(scope: Cancellation, attempt: number, error: RpcError): void {
    if (!this.#running.delete(scope)) return;
    scope.end();
    this.#latest = error.peer ?? this.#latest;
    this.#lastError = error;
    const { peer, codeName: code, message } = error;
    const fields = { method: this.#call.method.path, attempt, peer, code, message };
    this.#context.facts.on["attempt-failed"]?.({ ...fields, againInMs: undefined, hedged: true });
    this.#logged().failed(attempt, error, 0);
    if (this.#isWorthAnother(error)) this.#sendAnother(error);
    else if (this.#running.size === 0 || !(error.local || error.unprocessed)) this.#fail(error);
    else if (error.local) this.#stop();
  }

  #sendAnother(error: RpcError): void {
    const pushbackMs = pushbackMsOf(error.metadata);
    if (error.final) this.#stop();
    else if (pushbackMs !== undefined) this.#sendAfter(pushbackMs);
    else if (this.#maySendNow(error)) this.#send();
    this.#failUnlessRunning();
  }

  #isWorthAnother(error: RpcError): boolean {
    if (error.local) return false;
    return error.unprocessed ? error.peer !== undefined : this.#context.codes.includes(error.codeName);
  }

  #maySendNow(error: RpcError): boolean {
    const { clock } = this.#context;
    if (clock.now() >= this.#call.deadline) return false;
    // As in a retry, the first attempt that no server took up is replaced free, even with a single attempt allowed.
    if (error.unprocessed && !this.#freeSent && this.#maxAttempts > 0) {
      this.#freeSent = true;
      this.#maxAttempts++;
      return true;
    }
    return this.#sent < this.#maxAttempts && this.#withdraw();
  }

  #withdraw(): boolean {
    const { budget, facts } = this.#context;
    if (budget.withdraw()) return true;
    facts.on["budget-exhausted"]?.({ method: this.#call.method.path, attempts: this.#sent });
    return false;
  }

  #logged(): AttemptLog {
    this.#log ??= createAttemptLog(this.#call, this.#context);
    return this.#log;
  }

  #failUnlessRunning(): void {
    if (this.#running.size > 0 || this.#stopTimer !== undefined || this.#lastError === undefined) return;
    this.#fail(forbidAbove(this.#lastError));
  }

  #fail(error: RpcError): void {
    this.#end();
    this.#reject(this.#logged().ended(error, error.local ? "local" : "hedged"));
  }

  readonly #cancelled = (reason: RpcError): void => {
    // The attempts hear of it by themselves; what they reject with comes too late to matter.
    this.#running.clear();
    this.#end();
    this.#reject(this.#logged().ended(reason, "cancelled"));
  };

  /** No further attempt is sent. */
  #stop(): void {
    this.#maxAttempts = 0;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  #end(): void {
    this.#stop();
    this.#call.cancellation?.offCancel(this.#cancelled);
    const losers = [...this.#running.keys()];
    this.#running.clear();
    for (const loser of losers) {
      loser.cancel(new RpcError(Code.CANCELLED, "another attempt at the call was quicker", { local: true }));
    }
  }
}
