import type { CodeName } from "./code.ts";

/** gRPC's own declaration in the `.proto` of what may be sent twice. */
export type Idempotency = "IDEMPOTENCY_UNKNOWN" | "NO_SIDE_EFFECTS" | "IDEMPOTENT";

/** Retry as in gRPC's A6. https://github.com/grpc/proposal/blob/master/A6-client-retries.md */
export interface RetryPolicy {
  /** Attempts in all, the first one counted; 1 is no retry, 5 the most. */
  readonly maxAttempts?: number;
  readonly initialBackoffMs?: number;
  readonly maxBackoffMs?: number;
  readonly backoffMultiplier?: number;
  readonly retryableCodes?: readonly CodeName[];
}

/** Hedging as in gRPC's A6: another attempt each `delayMs` until one answers. */
export interface HedgePolicy {
  /** Attempts in all, the first one counted. */
  readonly maxAttempts?: number;
  readonly delayMs?: number;
}

/**
 * How calls of a method are made. Looked up in this order: the call's own options, the channel's, the contract's
 * (`trunkline/v1/options.proto`), the defaults.
 */
export interface MethodPolicy {
  /** Milliseconds a call may take in all; 0 is no deadline. */
  readonly timeoutMs?: number;
  readonly retry?: RetryPolicy | false;
  readonly hedge?: HedgePolicy | false;
  /**
   * Whether a call waits, until its deadline, for a server that can take it, instead of failing with UNAVAILABLE while
   * there is none; false by default. gRPC's wait-for-ready: https://github.com/grpc/grpc/blob/master/doc/wait-for-ready.md
   */
  readonly waitForReady?: boolean;
  readonly maxRequestBytes?: number;
  readonly maxResponseBytes?: number;
}
