import type { Side } from "./call-facts.ts";
import type { CodeName } from "./code.ts";
import type { PeerState } from "./transport.ts";

/**
 * Why a failed call was not sent again.
 * - `answered`: the code is the server's answer, and no fault to be tried again.
 * - `not-idempotent`: the contract does not say that it may be sent twice.
 * - `retry-off`: the policy has no retry for it.
 * - `attempts`: it had as many as it may have.
 * - `budget`: the channel's budget of retries is spent.
 * - `deadline`: there was no time for another.
 * - `final`: the server has said that nobody should try again.
 * - `local`: it failed on this side.
 * - `requests-read`: its requests, a stream, had been begun.
 * - `cancelled`: its caller ended it.
 * - `within-retry`: the call that it was made for is a retry itself.
 * - `no-peer`: none could take it, and it had waited for one already.
 * - `hedged`: it had more than one attempt under way, and all have failed.
 */
export type StopReason =
  | "answered"
  | "not-idempotent"
  | "retry-off"
  | "attempts"
  | "budget"
  | "deadline"
  | "final"
  | "local"
  | "requests-read"
  | "cancelled"
  | "within-retry"
  | "no-peer"
  | "hedged";

export interface AttemptRecord {
  /** 1 for the first. */
  readonly attempt: number;
  /** Where it went; left out where it came to none. */
  readonly peer?: string | undefined;
  readonly code: CodeName;
  readonly message: string;
  /** Milliseconds of pause before it. */
  readonly pausedMs: number;
  /** Milliseconds until it failed, the wait for a peer counted; left out where nobody has measured it. */
  readonly tookMs?: number | undefined;
}

/** What the registry had said. */
export interface RegistryRecord {
  readonly state: "current" | "stale" | "unknown";
  readonly endpoints: number;
  /** Milliseconds since it said so. */
  readonly ageMs: number;
  readonly reason?: string | undefined;
  readonly incomplete?: string | undefined;
}

export interface PeerRecord {
  readonly address: string;
  readonly state: PeerState;
  /** Milliseconds for which it has stood so. */
  readonly forMs: number;
  readonly reason?: string | undefined;
  /** Why the call did not go there, in words; left out where it did. */
  readonly passedOver?: string | undefined;
}

/** How a service's peers stood when the call had failed. */
export interface PeersRecord {
  readonly known: number;
  readonly byState: Readonly<Partial<Record<PeerState, number>>>;
  /** Most circuits were open, and all connected peers were called. */
  readonly panic: boolean;
  /** Those that are not well before those that are, and ten at most. */
  readonly first: readonly PeerRecord[];
}

/**
 * What was decided about a call, as plain data: it can be written as JSON, is bounded whatever the fleet's size, and has no
 * message body and no metadata in it.
 */
export interface CallRecord {
  readonly id: string;
  /** The id of its trace, where one was sent along (`traceparent`). */
  readonly trace?: string | undefined;
  readonly side: Side;
  /** ISO 8601. */
  readonly endedAt: string;
  readonly method: string;
  readonly code: CodeName;
  /** Cut to 300 characters; empty where it went well. */
  readonly message: string;
  readonly tookMs?: number | undefined;
  /** Milliseconds that were left until its deadline; left out where it had none. */
  readonly leftMs?: number | undefined;
  /** On a server, who called. */
  readonly caller?: string | undefined;
  /** The latest ten. */
  readonly attempts: readonly AttemptRecord[];
  readonly stopped?: StopReason | undefined;
  /** Retries that the channel might still have made. */
  readonly budgetLeft?: number | undefined;
  readonly registry?: RegistryRecord | undefined;
  readonly peers?: PeersRecord | undefined;
  /** On a server, the call that its handler made and that failed. */
  readonly because?: CallRecord | undefined;
  /** What would have helped, in a sentence. */
  readonly help: string;
}
