import type { Clock } from "../core/clock.ts";
import type { Facts } from "../core/facts.ts";
import type { Method } from "../core/method.ts";

/** Handlers that go on though their calls are over. */
export interface Abandoned {
  readonly size: number;
  /** Returns what is to be called when the handler is done at last. */
  add(method: Method): () => void;
}

interface Handler {
  readonly method: Method;
  readonly sinceMs: number;
}

/** A handler that heeds its call's signal is done by then. */
const graceMs = 1_000;
const everyMs = 10_000;

/** Tells of those that go on for a second and more, once in ten seconds, with one of their methods. */
export function createAbandoned(clock: Clock, facts: () => Facts): Abandoned {
  const handlers = new Set<Handler>();
  let looking = false;

  function lookLater(delayMs: number): void {
    if (looking) return;
    looking = true;
    clock.setTimeout(look, delayMs);
  }

  function look(): void {
    looking = false;
    const nowMs = clock.now();
    let method: Method | undefined;
    let count = 0;
    for (const handler of handlers) {
      if (nowMs - handler.sinceMs < graceMs) break; // They stand in the order of their time.
      method ??= handler.method;
      count++;
    }
    if (method !== undefined) {
      facts().on["handlers-abandoned"]?.({ method: method.path, handlers: count });
    }
    if (handlers.size > 0) lookLater(method === undefined ? graceMs : everyMs);
  }

  return {
    get size() {
      return handlers.size;
    },
    add(method) {
      const handler = { method, sinceMs: clock.now() };
      handlers.add(handler);
      lookLater(graceMs);
      return () => handlers.delete(handler);
    },
  };
}
