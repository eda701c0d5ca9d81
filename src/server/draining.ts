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

export function createDraining(): Draining {
  // One signal for all would keep the listeners of every call there has been.
  const followers = new Set<Cancellation>();
  let reason: RpcError | undefined;

  return {
    get reason() {
      return reason;
    },
    get following() {
      return followers.size;
    },
    signalFor({ origin }) {
      const follower = new Cancellation();
      if (reason !== undefined) follower.cancel(reason);
      else {
        followers.add(follower);
        origin?.onDisowned(() => followers.delete(follower));
      }
      return follower.signal;
    },
    begin() {
      if (reason !== undefined) return;
      reason = new RpcError(Code.UNAVAILABLE, "the server is shutting down");
      for (const follower of followers) follower.cancel(reason);
      followers.clear();
    },
  };
}
