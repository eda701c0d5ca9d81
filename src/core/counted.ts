/** The same messages, each told to `seen` as it is taken. Like its source it can be gone through once. */
export function counted(source: AsyncIterable<unknown>, seen: () => void): AsyncIterableIterator<unknown> {
  let messages: AsyncIterator<unknown> | undefined;
  const opened = (): AsyncIterator<unknown> => {
    messages ??= source[Symbol.asyncIterator]();
    return messages;
  };
  return {
    async next() {
      const step = await opened().next();
      if (step.done !== true) seen();
      return step;
    },
    async return(value) {
      return (await opened().return?.(value)) ?? { done: true, value };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
