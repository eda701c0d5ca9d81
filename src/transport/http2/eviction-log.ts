import type { Logger } from "../../core/logger.ts";
import { seldom } from "../../core/seldom.ts";

/** One line in so many milliseconds, for all connections that were ended since the last. */
const warnEveryMs = 10_000;

/** Says in the log that connections were ended because memory is short: call it with what each had filled, in bytes. */
export function evictionLog(address: string, logger: Logger): (heldBytes: number) => void {
  let connections = 0;
  let heldBytes = 0;
  let isScheduled = false;
  const warn = seldom<{ connections: number; heldBytes: number }>(warnEveryMs, ({ unsaid: _, ...fields }) => {
    const why = "connections were ended: memory is short, and what they hold of it does not move";
    logger.warn({ address, ...fields }, why);
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
