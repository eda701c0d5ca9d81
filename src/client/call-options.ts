import type { Metadata, MetadataInit } from "../core/metadata.ts";
import type { HedgePolicy, Idempotency, RetryPolicy } from "../core/policy.ts";

interface EveryCall {
  /** Milliseconds the call may take in all, its retries counted; 0 is no deadline. */
  readonly timeoutMs?: number | undefined;
  /** Cancels the call. */
  readonly signal?: AbortSignal | undefined;
  readonly metadata?: MetadataInit | undefined;
  /** Sees what the server sent before its first message. */
  readonly onHeader?: ((header: Metadata) => void) | undefined;
  /** Sees what the server sent after its last message. */
  readonly onTrailer?: ((trailer: Metadata) => void) | undefined;
}

interface ResentCall {
  readonly retry?: RetryPolicy | false | undefined;
  readonly hedge?: HedgePolicy | false | undefined;
}

interface UnsafeCall {
  /** Only for a method that its `.proto` declares `NO_SIDE_EFFECTS` or `IDEMPOTENT`. */
  readonly retry?: false | undefined;
  /** Only for a method that its `.proto` declares `NO_SIDE_EFFECTS` or `IDEMPOTENT`. */
  readonly hedge?: false | undefined;
}

/** What one call asks for, over the channel's and the contract's policy. */
export type CallOptions<X extends Idempotency = "IDEMPOTENCY_UNKNOWN"> = EveryCall &
  (X extends "IDEMPOTENCY_UNKNOWN" ? UnsafeCall : ResentCall);
