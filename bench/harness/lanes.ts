/** What a client saw in a round. */
export interface Seen {
  /** Calls, or messages. */
  readonly units: number;
  readonly elapsedMs: number;
  /** Of steps: a call, or a whole stream. In microseconds. */
  readonly p50Us: number;
  readonly p99Us: number;
  /** The client's processor time in microseconds. */
  readonly cpuUs: number;
}

const maxSamples = 1 << 21;

/** Keeps one step under way on each lane until the time is up. */
export async function drive(lanes: readonly (() => Promise<number>)[], durationMs: number): Promise<Seen> {
  const samples = new Float32Array(maxSamples);
  let steps = 0;
  let units = 0;
  const cpuBefore = process.cpuUsage();
  const began = performance.now();
  const end = began + durationMs;
  const run = async (step: () => Promise<number>) => {
    let started = performance.now();
    do {
      const done = await step();
      units += done;
      const now = performance.now();
      samples[steps++ % maxSamples] = now - started;
      started = now;
    } while (started < end);
  };
  await Promise.all(lanes.map(run));
  const elapsedMs = performance.now() - began;
  const { user, system } = process.cpuUsage(cpuBefore);
  const sorted = samples.subarray(0, Math.min(steps, maxSamples)).sort();
  const share = (part: number) => 1000 * (sorted[Math.floor(sorted.length * part)] as number);
  return { units, elapsedMs, p50Us: share(0.5), p99Us: share(0.99), cpuUs: user + system };
}
