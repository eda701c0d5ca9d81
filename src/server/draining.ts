import type { Call } from "../core/call.ts";
import { Cancellation } from "../core/cancellation.ts";
import { Code } from "../core/code.ts";
import { RpcError } from "../core/rpc-error.ts";

/** Tells handlers that their server has begun to drain: those that ask, each by a signal of its own. */
export interface Draining {
  /** Why; `undefined` until it has begun. */
  readonly reason: RpcError | undefined;
  signalFor(call: Call): AbortSignal;
  /** Signals that are kept to be told. */
  readonly following: number;
  begin(): void;
}

/** Followers that are kept before it is looked whose calls are over. */
const leastToLook = 64;

export function createDraining(): Draining {
  const followers = new Map<Cancellation, Call>();
  let lookAt = leastToLook;
  let reason: RpcError | undefined;

  /** One signal for all would keep the listeners of every call there has been. */
  function forgetWhatIsOver(): void {
    for (const [follower, { origin }] of followers) {
      if (origin?.over === true) followers.delete(follower);
    }
    lookAt = Math.max(leastToLook, 2 * followers.size);
  }

  return {
    get reason() {
      return reason;
    },
    get following() {
      return followers.size;
    },
    signalFor(call) {
      const follower = new Cancellation();
      if (reason !== undefined) follower.cancel(reason);
      else {
        if (followers.size >= lookAt) forgetWhatIsOver();
        followers.set(follower, call);
      }
      return follower.signal;
    },
    begin() {
      if (reason !== undefined) return;
      reason = new RpcError(Code.UNAVAILABLE, "the server is shutting down");
      for (const follower of followers.keys()) follower.cancel(reason);
      followers.clear();
    },
  };
}
