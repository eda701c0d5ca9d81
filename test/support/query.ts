/** What a query builder returns: no Promise, but what `await` waits for. It runs `work` each time that it is awaited. */
export function query<T>(work: () => T | Promise<T>): PromiseLike<T> {
  const builder = {};
  const then: PromiseLike<T>["then"] = (done, failed) => Promise.resolve().then(work).then(done, failed);
  Reflect.set(builder, "then", then);
  return builder as PromiseLike<T>;
}
