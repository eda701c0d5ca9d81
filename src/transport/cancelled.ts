import type { Call } from "../core/call.ts";
import { Code } from "../core/code.ts";
import { NEVER, now } from "../core/deadline.ts";
import { RpcError } from "../core/rpc-error.ts";

const nothing = (): void => {};

/** Why a call is over before it was made: cancelled, or its deadline has passed. `undefined` where it may start. */
export function overAlready(call: Call): RpcError | undefined {
  const reason = call.cancellation?.reason;
  if (reason !== undefined) return reason;
  if (call.deadline !== NEVER && call.deadline <= now()) return deadlinePassed(call, "before it was sent");
  return undefined;
}

/** Calls `cancel` when the call's caller cancels it; returns how to stop listening. */
export function onCancel(call: Call, cancel: (reason: RpcError) => void): () => void {
  const { cancellation } = call;
  if (cancellation === undefined) return nothing;
  cancellation.onCancel(cancel);
  return () => cancellation.offCancel(cancel);
}

/** DEADLINE_EXCEEDED, saying what the call was doing: `while waiting for 10.0.0.5:50051`. */
export function deadlinePassed(call: Call, during: string): RpcError {
  return new RpcError(Code.DEADLINE_EXCEEDED, `the deadline of ${call.method.path} passed ${during}`);
}
