const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };
const mostDigits = 99_999_999;

/** Servers of grpc-js count in 31 bits: what is longer, 24 days and more, is over there as it begins. */
const mostMs = 2 ** 31 - 1;

/**
 * Writes what is left of a deadline as `grpc-timeout`: whole milliseconds, rounded up, while they fit in the eight
 * digits that gRPC allows, then seconds. `undefined` for no deadline, and for one that is more than 24 days away: that is
 * the client's own to keep.
 */
export function formatTimeout(remainingMs: number): string | undefined {
  const millis = Math.max(0, Math.ceil(remainingMs));
  if (millis <= mostDigits) return `${millis}m`;
  const seconds = Math.ceil(remainingMs / 1000);
  return seconds * 1000 <= mostMs ? `${seconds}S` : undefined;
}

/** Reads `grpc-timeout` as milliseconds; `undefined` for what is none. */
export function parseTimeout(text: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  const ms = unitMs[match?.[2] ?? ""];
  return ms === undefined ? undefined : Number(match?.[1]) * ms;
}
