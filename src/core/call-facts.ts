import type { CodeName } from "./code.ts";
import type { RpcError } from "./rpc-error.ts";

/** Which end of a call tells of it. */
export type Side = "client" | "server";

/**
 * Why an attempt went to its peer.
 * - `balanced`: the balancer picked it, of those that were ready.
 * - `waited`: none could take the call at first, and this one came.
 * - `trial`: its circuit is half-open, and this call shows whether it is well again.
 * - `panic`: its circuit is open, and so are most.
 * - `silent`: none was ready, and this one may yet answer.
 * - `nobody-else`: it is known not to serve the service, and there is no other.
 */
export type PickReason = "balanced" | "waited" | "trial" | "panic" | "silent" | "nobody-else";

/** What happens to calls. `method` is always a path: `/greeter.v1.Greeter/SayHello`. Times are milliseconds. */
export interface CallFacts {
  /** On a client a call of the user's, whatever its attempts; on a server one that came in. */
  "call-began": {
    readonly side: Side;
    readonly method: string;
    /** On a server, who calls. */
    readonly caller: string | undefined;
  };
  /** It is over, and its caller has been told: a stream when it was read to its end, was left, or has failed. */
  "call-ended": {
    readonly side: Side;
    readonly method: string;
    readonly code: CodeName;
    /** `undefined` where the code is OK. */
    readonly error: RpcError | undefined;
    readonly tookMs: number;
    readonly caller: string | undefined;
    /** On a client, where the last attempt went, if there was one. */
    readonly peer: string | undefined;
    /** On a client, those that came to a peer. 1 on a server. */
    readonly attempts: number;
    /** Messages that this side sent, requests on a client and replies on a server. */
    readonly sent: number;
    readonly received: number;
    /** The id of the trace that went with it, as W3C's `traceparent` has it. */
    readonly trace: string | undefined;
  };
  /** A client's balancer found a peer for an attempt. */
  "attempt-picked": {
    readonly method: string;
    /** 1 for the first. */
    readonly attempt: number;
    readonly peer: string;
    readonly why: PickReason;
    /** Until there was one. */
    readonly waitedMs: number;
  };
  /** An attempt at a peer was answered, or failed. Of a stream: it opened. */
  "attempt-ended": {
    readonly method: string;
    readonly attempt: number;
    readonly peer: string;
    readonly code: CodeName;
    readonly tookMs: number;
  };
  /** An attempt failed, at a peer or before it came to one; told once it is known what comes of it. */
  "attempt-failed": {
    readonly method: string;
    readonly attempt: number;
    readonly peer: string | undefined;
    readonly code: CodeName;
    readonly message: string;
    /** The wait until the next attempt; `undefined` where there is none, or where the call is hedged. */
    readonly againInMs: number | undefined;
    /** True where the call has more than one attempt under way. */
    readonly hedged: true | undefined;
  };
  /** A call is sent again. */
  "retry-planned": {
    readonly method: string;
    /** The number of the attempt to come. */
    readonly attempt: number;
    /** Where it failed. */
    readonly peer: string | undefined;
    readonly delayMs: number;
    /** Retries that the channel may still make. */
    readonly budgetLeft: number;
  };
  /** A call that has no answer yet is sent to one peer more. */
  "hedge-sent": {
    readonly method: string;
    readonly attempt: number;
    readonly budgetLeft: number;
  };
  /** A call was worth another attempt, and the channel's budget is spent. */
  "budget-exhausted": {
    readonly method: string;
    /** The attempts that it had. */
    readonly attempts: number;
  };
}
