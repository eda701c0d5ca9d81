/** Does work in the order in which it was handed in, at most `most` of it at a time. */
export function turns(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let working = 0;

  return async (work) => {
    if (working < most) working++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      // Whoever waits takes the place over.
      const next = waiting.shift();
      if (next === undefined) working--;
      else next();
    }
  };
}
