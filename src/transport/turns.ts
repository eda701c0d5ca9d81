/** Who hands in work. */
export interface Worker {
  /** All that come from there are one, which has its turn as others have; where it is not given, each is one itself. */
  readonly from?: string | undefined;
}

type Line = (() => void)[];

/**
 * Does work at most `most` of it at a time, for one after the other of those whose work waits: who hands in much does not
 * hold up others, nor do many that come from one place. What one hands in is done in its order.
 */
export function turns(most: number): <T>(whose: Worker, work: () => Promise<T>) => Promise<T> {
  // Those whose turn comes first stand first, in both.
  const waiting = new Map<unknown, Map<Worker, Line>>();
  let working = 0;

  function wait(whose: Worker): Promise<void> {
    return new Promise((resolve) => {
      const from = whose.from ?? whose;
      const lines = waiting.get(from) ?? new Map<Worker, Line>();
      waiting.set(from, lines);
      const line = lines.get(whose);
      if (line === undefined) lines.set(whose, [resolve]);
      else line.push(resolve);
    });
  }

  function next(): (() => void) | undefined {
    const lines = takeFirst(waiting);
    const line = lines && takeFirst(lines[1]);
    if (lines === undefined || line === undefined) return undefined;
    const first = line[1].shift();
    if (line[1].length > 0) lines[1].set(...line);
    if (lines[1].size > 0) waiting.set(...lines);
    return first;
  }

  return async (whose, work) => {
    if (working < most) working++;
    else await wait(whose);
    try {
      return await work();
    } finally {
      // Whoever waits takes the place over.
      const begin = next();
      if (begin === undefined) working--;
      else begin();
    }
  };
}

/** What is put back stands last. */
function takeFirst<K, V>(map: Map<K, V>): [K, V] | undefined {
  for (const entry of map) {
    map.delete(entry[0]);
    return entry;
  }
  return undefined;
}
