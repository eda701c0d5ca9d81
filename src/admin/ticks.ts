import { setTimeout as wait } from "node:timers/promises";

/** Yields every so many milliseconds, until the signal. */
export async function* ticks(everyMs: number, signal: AbortSignal): AsyncGenerator<void, void> {
  const ended = () => true;
  while (!signal.aborted) {
    if (await wait(everyMs, false, { signal, ref: false }).catch(ended)) return;
    yield;
  }
}
