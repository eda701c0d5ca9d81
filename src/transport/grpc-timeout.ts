const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };
const written: readonly (readonly [unit: string, ms: number])[] = [
  ["m", 1],
  ["S", 1000],
  ["M", 60_000],
  ["H", 3_600_000],
];
const mostDigits = 99_999_999;

/**
 * Writes what is left of a deadline as `grpc-timeout`: whole milliseconds, rounded up, while they fit in the eight
 * digits that gRPC allows, then coarser units. `undefined` for no deadline.
 */
export function formatTimeout(remainingMs: number): string | undefined {
  if (remainingMs === Number.POSITIVE_INFINITY) return undefined;
  for (const [unit, ms] of written) {
    const count = Math.max(0, Math.ceil(remainingMs / ms));
    if (count <= mostDigits) return `${count}${unit}`;
  }
  return `${mostDigits}H`;
}

/** Reads `grpc-timeout` as milliseconds; `undefined` for what is none. */
export function parseTimeout(text: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  const ms = unitMs[match?.[2] ?? ""];
  return ms === undefined ? undefined : Number(match?.[1]) * ms;
}
