import type { Facts } from "../../core/facts.ts";
import { seldom } from "../../core/seldom.ts";

/** One line in so many milliseconds, for all connections that were ended since the last. */
const warnEveryMs = 10_000;

/** Tells that connections were ended because memory is short: call it with what each had filled, in bytes. */
export function evictionLog(address: string, facts: Facts): (heldBytes: number) => void {
  let connections = 0;
  let heldBytes = 0;
  let isScheduled = false;
  const warn = seldom<{ connections: number; heldBytes: number }>(warnEveryMs, ({ unsaid: _, ...fields }) => {
    facts.on["connections-evicted"]?.({ address, ...fields });
  });

  function say(): void {
    isScheduled = false;
    if (!warn({ connections, heldBytes })) return;
    connections = 0;
    heldBytes = 0;
  }

  return (bytes) => {
    // Those of one look at the budget are ended in one turn.
    if (!isScheduled) setImmediate(say);
    isScheduled = true;
    connections++;
    heldBytes += bytes;
  };
}
