/** The same messages, each told to `seen` as it is taken. */
export function counted(source: AsyncIterable<unknown>, seen: () => void): AsyncIterable<unknown> {
  return {
    [Symbol.asyncIterator]() {
      const messages = source[Symbol.asyncIterator]();
      return {
        async next() {
          const step = await messages.next();
          if (step.done !== true) seen();
          return step;
        },
        async return(value) {
          return (await messages.return?.(value)) ?? { done: true, value };
        },
      };
    },
  };
}
