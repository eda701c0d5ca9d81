import type { Metadata } from "./metadata.ts";

/**
 * The trailer in which a server that refuses a call says how many milliseconds to wait before the next attempt, or by
 * a negative number to make none. https://github.com/grpc/proposal/blob/master/A6-client-retries.md#pushback
 */
export const RETRY_PUSHBACK = "grpc-retry-pushback-ms";

/** The header in which an attempt says how many were made before it. */
export const PREVIOUS_ATTEMPTS = "grpc-previous-rpc-attempts";

/** What a server asks for: milliseconds, `never`, or nothing. What does not read as a number is `never`, as A6 has it. */
export function pushbackOf(metadata: Metadata): number | "never" | undefined {
  const text = metadata.get(RETRY_PUSHBACK);
  if (text === undefined) return undefined;
  return /^\d{1,9}$/.test(text) ? Number(text) : "never";
}

/** The milliseconds that it asks for, where it does. */
export function pushbackMsOf(metadata: Metadata): number | undefined {
  const pushback = pushbackOf(metadata);
  return pushback === "never" ? undefined : pushback;
}
