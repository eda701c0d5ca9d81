import type { Clock } from "../../src/core/clock.ts";

/** Time that passes only when it is told to. */
export interface VirtualClock extends Clock {
  /** Runs what falls due within the next `ms`, in order, each with all the promises that it settles. */
  advance(ms: number): Promise<void>;
  /**
   * Until the returned function is called, the global `setTimeout` is this clock's too. opossum takes no clock, so a
   * circuit's reset timer is reached only this way.
   */
  takeGlobals(): () => void;
}

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

const { setTimeout: realSetTimeout, clearTimeout: realClearTimeout, setImmediate } = globalThis;

/** Resolves when every promise that can settle by itself has done so. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function virtualClock(startMs = 0): VirtualClock {
  const timers: Timer[] = [];
  let nowMs = startMs;
  let order = 0;

  function schedule(run: () => void, delayMs: number): Timer {
    const timer: Timer = { dueMs: nowMs + Math.max(0, delayMs), order: order++, run };
    push(timers, timer);
    return timer;
  }

  return {
    now: () => nowMs,
    setTimeout(run, delayMs) {
      const timer = schedule(run, delayMs);
      return () => {
        timer.run = undefined;
      };
    },
    async advance(ms) {
      const untilMs = nowMs + ms;
      await settled();
      for (let next = timers[0]; next !== undefined && next.dueMs <= untilMs; next = timers[0]) {
        pop(timers);
        if (next.run === undefined) continue;
        nowMs = next.dueMs;
        next.run();
        await settled();
      }
      nowMs = untilMs;
    },
    takeGlobals() {
      globalThis.setTimeout = ((run: () => void, delayMs = 0) => schedule(run, delayMs)) as never;
      globalThis.clearTimeout = ((timer: Timer | undefined) => {
        if (timer !== undefined) timer.run = undefined;
      }) as never;
      return () => {
        globalThis.setTimeout = realSetTimeout;
        globalThis.clearTimeout = realClearTimeout;
      };
    },
  };
}

// A binary heap: the timer that is due first stands first.

function before(a: Timer, b: Timer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

function push(heap: Timer[], timer: Timer): void {
  let at = heap.length;
  heap.push(timer);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] as Timer;
    if (!before(timer, above)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = timer;
}

function pop(heap: Timer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1] as Timer, heap[child] as Timer)) child++;
    if (!before(heap[child] as Timer, last)) break;
    heap[at] = heap[child] as Timer;
    at = child;
  }
  heap[at] = last;
}
