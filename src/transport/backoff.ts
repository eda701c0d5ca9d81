/** The first pause, in milliseconds, and the longest. */
const initialMs = 100;
const mostMs = 2000;
const multiplier = 1.6;

/** How long to wait before the next try at a connection. */
export interface Backoff {
  /** Milliseconds, of which some have passed already. Each is longer than the last. */
  next(passedMs?: number): number;
  /** A try was worth it: the pauses begin anew. */
  reset(): void;
}

/**
 * Backoff as gRPC's: it grows by 1.6 with 20 % jitter, though from 100 ms to 2 s, since a registry removes what stays
 * away. https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md
 */
export function connectionBackoff(): Backoff {
  let baseMs = initialMs;
  return {
    next(passedMs = 0) {
      const pauseMs = baseMs * (0.8 + 0.4 * Math.random());
      baseMs = Math.min(baseMs * multiplier, mostMs);
      return Math.max(0, pauseMs - passedMs);
    },
    reset() {
      baseMs = initialMs;
    },
  };
}
