import { beginOf } from "../core/attempt-time.ts";
import type { Call } from "../core/call.ts";
import type { AttemptRecord, StopReason } from "../core/call-record.ts";
import { endingOf, rounded } from "../core/ending.ts";
import { shortened } from "../core/printable.ts";
import { keepEnding, type RpcError } from "../core/rpc-error.ts";
import type { Resend } from "./resend.ts";

/** The attempts at one call, written down as they fail, for the record that its error carries. */
export interface AttemptLog {
  failed(attempt: number, error: RpcError, pausedMs: number): void;
  /** The error that the call ends with, which then has its record. */
  ended(error: RpcError, stopped: StopReason): RpcError;
}

export function createAttemptLog(call: Call, { clock, budget, view }: Resend): AttemptLog {
  const attempts: AttemptRecord[] = [];
  let beganAtMs: number | undefined;
  return {
    failed(attempt, error, pausedMs) {
      const began = beginOf(error);
      const tookMs = began === undefined ? undefined : rounded(clock.now() - began);
      if (attempts.length === 0) beganAtMs = began;
      const { peer, codeName: code, message } = error;
      attempts.push({ attempt, peer, code, message: shortened(message), pausedMs: rounded(pausedMs), tookMs });
    },
    ended(error, stopped) {
      keepEnding(error, () =>
        endingOf(call, {
          atMs: clock.now(),
          beganAtMs,
          attempts,
          stopped,
          budgetLeft: budget.balance,
          view: view(call.method.service),
        }),
      );
      return error;
    },
  };
}
