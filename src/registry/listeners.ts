import type { Facts } from "../core/facts.ts";
import type { Snapshot } from "./registry.ts";

/** Those who listen to one service, and what they heard last. */
export interface Listeners {
  readonly size: number;
  readonly last: Snapshot | undefined;
  /** Reports what is known at once, and every later snapshot until the returned function is called. */
  add(listener: (snapshot: Snapshot) => void): () => void;
  report(snapshot: Snapshot): void;
}

/** A listener that throws is told of and does not keep the others from hearing. */
export function createListeners(service: string, facts: Facts): Listeners {
  const listeners = new Set<{ readonly hear: (snapshot: Snapshot) => void }>();
  let last: Snapshot | undefined;

  const tell = (listener: (snapshot: Snapshot) => void, snapshot: Snapshot) => {
    try {
      listener(snapshot);
    } catch (error) {
      facts.on["listener-threw"]?.({ to: "the registry", service, peer: undefined, error });
    }
  };

  return {
    get size() {
      return listeners.size;
    },
    get last() {
      return last;
    },
    add(hear) {
      // A wrapper for each, so that one function may listen twice.
      const listener = { hear };
      listeners.add(listener);
      if (last !== undefined) tell(hear, last);
      return () => listeners.delete(listener);
    },
    report(snapshot) {
      last = snapshot;
      for (const listener of [...listeners]) {
        // What one of them does may be the reason for a newer one, which all have heard by now; or take another away.
        if (last !== snapshot) return;
        if (listeners.has(listener)) tell(listener.hear, snapshot);
      }
    },
  };
}
