import type { CodeName } from "./code.ts";

/** gRPC's own declaration in the `.proto` of what may be sent twice. */
export type Idempotency = "IDEMPOTENCY_UNKNOWN" | "NO_SIDE_EFFECTS" | "IDEMPOTENT";

/** Retry as in gRPC's A6. https://github.com/grpc/proposal/blob/master/A6-client-retries.md */
export interface RetryPolicy {
  /** Attempts in all, the first one counted; 3 by default, 1 is no retry, 5 the most. */
  readonly maxAttempts?: number;
  /** Milliseconds before the second attempt, give or take a fifth; 50 by default. */
  readonly initialBackoffMs?: number;
  /** The longest wait, in milliseconds; 1,000 by default. */
  readonly maxBackoffMs?: number;
  /** How many times longer each wait is than the one before; 2 by default. */
  readonly backoffMultiplier?: number;
  /** Codes after which the call is sent again; `["UNAVAILABLE"]` by default. */
  readonly retryableCodes?: readonly CodeName[];
}

/** Hedging as in gRPC's A6: another attempt each `delayMs` until one answers. */
export interface HedgePolicy {
  /** Attempts in all, the first one counted; 2 by default, 5 the most. */
  readonly maxAttempts?: number;
  /** Milliseconds after which the next attempt is made, while none has answered; 100 by default. */
  readonly delayMs?: number;
}

/**
 * How calls of a method are made. Looked up in this order: the call's own options, what operators say, the channel's, the
 * contract's (`trunkline/v1/options.proto`), the defaults.
 */
export interface MethodPolicy {
  /** Milliseconds a call may take in all, a stream too; 0 is no deadline. By default 10,000 for a unary call, else none. */
  readonly timeoutMs?: number;
  /** When a method that is declared idempotent is sent again, after UNAVAILABLE by default; `false` for never. */
  readonly retry?: RetryPolicy | false;
  /** When another server is asked as well, instead of a retry; never by default. */
  readonly hedge?: HedgePolicy | false;
  /**
   * Whether a call waits, until its deadline, for a server that can take it, instead of failing with UNAVAILABLE while
   * there is none; false by default. gRPC's wait-for-ready: https://github.com/grpc/grpc/blob/master/doc/wait-for-ready.md
   */
  readonly waitForReady?: boolean;
  /** The largest request, in bytes as they are encoded; over it: RESOURCE_EXHAUSTED. No limit of its own by default. */
  readonly maxRequestBytes?: number;
  /** The largest reply, likewise, within what the channel and the server allow. */
  readonly maxResponseBytes?: number;
}
