import type { Clock } from "../core/clock.ts";
import { Code } from "../core/code.ts";
import { NEVER } from "../core/deadline.ts";
import { hold, letGo } from "../core/hold.ts";
import { rejectedLater } from "../core/later.ts";
import { abortSignal, checkKinds } from "../core/option-kinds.ts";
import { checkNames } from "../core/option-names.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { Pool } from "./pool.ts";

export interface ReadyOptions {
  /** Milliseconds to wait; 10,000 by default, as a unary call does. 0 is for as long as it takes. */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits until a call can be sent, and keeps the process alive meanwhile.
 * @throws RpcError DEADLINE_EXCEEDED or CANCELLED, that says what is missing
 */
export function whenReady(pool: Pool, service: string, options: ReadyOptions, clock: Clock): Promise<void> {
  checkNames(options, { timeoutMs: true, signal: true }, "ready");
  const { timeoutMs = 10_000, signal } = options;
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 0))
    throw new TypeError(
      `timeoutMs of ready is ${typeof timeoutMs === "string" ? JSON.stringify(timeoutMs) : timeoutMs}: give milliseconds, or 0 for no limit`,
    );
  checkKinds(options, { signal: abortSignal });
  if (pool.state === "READY") return Promise.resolve();
  const cancelled = () => {
    const reason = RpcError.from(signal?.reason, Code.CANCELLED);
    if (reason === signal?.reason) return reason;
    const why = `${service} was not ready when the wait was ended (${reason.message}): ${pool.trouble}`;
    return new RpcError(reason.code, why, { local: true, cause: signal?.reason });
  };
  if (signal?.aborted) return rejectedLater(cancelled());
  const { promise, resolve, reject } = Promise.withResolvers<void>();

  function settle(): void {
    if (settled) return;
    settled = true;
    letGo();
    stopTimer();
    stopWatching();
    signal?.removeEventListener("abort", aborted);
  }
  function fail(error: RpcError): void {
    settle();
    reject(error);
  }
  function aborted(): void {
    fail(cancelled());
  }
  function look(): void {
    if (pool.state !== "READY") return;
    settle();
    resolve();
  }
  function tooLate(): void {
    const why = `${service} was not ready within ${timeoutMs} ms: ${pool.trouble}`;
    fail(new RpcError(Code.DEADLINE_EXCEEDED, why, { local: true }));
  }

  let settled = false;
  hold();
  const stopTimer = clock.setTimeout(tooLate, timeoutMs === 0 ? NEVER : timeoutMs);
  const stopWatching = pool.watch({ changed: look, closed: fail });
  signal?.addEventListener("abort", aborted);
  pool.hurry();
  return promise;
}
