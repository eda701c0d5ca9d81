/** Counts of how long calls took, each bucket 2 % wider than the one before. */
export interface Histogram {
  readonly counts: Readonly<Uint32Array>;
  add(ms: number): void;
}

const leastMs = 0.1;
const growth = 1.02;
const buckets = Math.ceil(Math.log(60_000 / leastMs) / Math.log(growth));

export function createHistogram(): Histogram {
  const counts = new Uint32Array(buckets);
  return {
    counts,
    add(ms) {
      const exact = Math.floor(Math.log(Math.max(ms, leastMs) / leastMs) / Math.log(growth));
      const bucket = Math.min(exact, buckets - 1);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    },
  };
}

/** The 99th percentile of them together, in milliseconds; 0 where nothing was counted. */
export function p99(...histograms: readonly Histogram[]): number {
  const at = (bucket: number): number => histograms.reduce((total, { counts }) => total + (counts[bucket] ?? 0), 0);
  let total = 0;
  for (let i = 0; i < buckets; i++) total += at(i);
  let seen = 0;
  for (let i = 0; i < buckets; i++) {
    seen += at(i);
    if (seen > total * 0.99) return Math.round(leastMs * growth ** (i + 1) * 10) / 10;
  }
  return 0;
}
