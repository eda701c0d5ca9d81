import type { Call } from "../core/call.ts";
import { type Clock, LONGEST_TIMER_MS } from "../core/clock.ts";
import { Code } from "../core/code.ts";
import { NEVER } from "../core/deadline.ts";
import { rejectedLater } from "../core/later.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { Peer } from "../core/transport.ts";
import { pickedPeer } from "./checked.ts";
import type { Pool } from "./pool.ts";

/**
 * Waits until a peer can take the call, for as long as there is hope of one; a call that is to `waitForReady`, for as long
 * as it may.
 * @throws RpcError UNAVAILABLE that says why there is none, DEADLINE_EXCEEDED, or the call's cancellation
 */
export function waitForPeer(pool: Pool, call: Call, clock: Clock): Promise<Peer> {
  const { cancellation } = call;
  const startedMs = clock.now();
  const { promise, resolve, reject } = Promise.withResolvers<Peer>();
  let stopTimer = (): void => {};
  let stopWatching = (): void => {};

  function settle(): void {
    stopTimer();
    stopWatching();
    cancellation?.offCancel(fail);
  }

  function fail(error: unknown): void {
    settle();
    reject(error);
  }

  function look(): void {
    try {
      const peer = pickedPeer(pool.pick(call));
      if (peer === undefined) lookAgain();
      else {
        settle();
        resolve(peer);
      }
    } catch (error) {
      settle();
      resolve(rejectedLater(RpcError.from(error, Code.INTERNAL)));
    }
  }

  function lookAgain(): void {
    const nowMs = clock.now();
    const hopeUntilMs = call.waitForReady ? NEVER : pool.hopeUntilMs(call, startedMs);
    const untilMs = Math.min(hopeUntilMs, call.deadline);
    if (call.deadline <= nowMs) throw deadlinePassed(pool, call);
    if (untilMs <= nowMs) {
      pool.hurry(call);
      throw pool.unavailable(call);
    }
    stopTimer();
    stopTimer = clock.setTimeout(look, Math.min(Math.ceil(untilMs - nowMs), LONGEST_TIMER_MS), true);
  }

  if (cancellation?.reason !== undefined) return rejectedLater(cancellation.reason);
  cancellation?.onCancel(fail);
  stopWatching = pool.watch({ changed: look, closed: fail });
  if (call.waitForReady) pool.hurry(call);
  look();
  return promise;
}

function deadlinePassed(pool: Pool, call: Call): RpcError {
  const { message } = pool.unavailable(call);
  return new RpcError(
    Code.DEADLINE_EXCEEDED,
    `the deadline of ${call.method.path} passed while it waited for a server: ${message}`,
  );
}
