import { setImmediate as nextTurn } from "node:timers/promises";
import { now } from "../../core/deadline.ts";

/** Milliseconds of work after which the calls of this process have their turn. */
const longestTurnMs = 5;

/** Long work in short turns. */
export interface Turns {
  /** To be awaited before each piece of work, where it is not `undefined`: a turn is over, and this is the next. */
  next(): Promise<void> | undefined;
}

export function createTurns(): Turns {
  let overAt = now() + longestTurnMs;
  const rest = async () => {
    await nextTurn();
    overAt = now() + longestTurnMs;
  };
  return { next: () => (now() > overAt ? rest() : undefined) };
}

/** Does work item by item, in turns. Stops between two of them where the signal has aborted. */
export async function inTurns<T>(items: Iterable<T>, signal: AbortSignal, work: (item: T) => void): Promise<void> {
  const turns = createTurns();
  for (const item of items) {
    const rest = turns.next();
    if (rest !== undefined) await rest;
    if (signal.aborted) return;
    work(item);
  }
}
