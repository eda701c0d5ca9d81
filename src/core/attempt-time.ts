/** When the attempt began that an error ended, where a layer below has measured it. */
const beganAtMs = new WeakMap<object, number>();

/** The first to say stands: it is nearest to the attempt. A wait before it, told later, begins sooner. */
export function noteBegin(error: unknown, atMs: number): void {
  if (typeof error !== "object" || error === null) return;
  beganAtMs.set(error, Math.min(atMs, beganAtMs.get(error) ?? atMs));
}

export function beginOf(error: object): number | undefined {
  return beganAtMs.get(error);
}
