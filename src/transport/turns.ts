/**
 * Does work at most `most` of it at a time, for one after the other of those whose work waits: who hands in much does not
 * hold up others. What one hands in is done in its order.
 */
export function turns(most: number): <T>(whose: object, work: () => Promise<T>) => Promise<T> {
  // Those whose turn comes first stand first.
  const waiting = new Map<object, (() => void)[]>();
  let working = 0;

  function wait(whose: object): Promise<void> {
    return new Promise((resolve) => {
      const line = waiting.get(whose);
      if (line === undefined) waiting.set(whose, [resolve]);
      else line.push(resolve);
    });
  }

  function next(): (() => void) | undefined {
    for (const [whose, line] of waiting) {
      const first = line.shift();
      waiting.delete(whose);
      if (line.length > 0) waiting.set(whose, line);
      return first;
    }
    return undefined;
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
