/**
 * Whether `await` would wait for a value: it has a `then` that can be called. A query builder has one and is no
 * `Promise`, and so is a promise of an async function where a library has replaced `globalThis.Promise`.
 * `Promise.resolve(value)` makes a promise of it, and gives a promise back as it is.
 */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return false;
  return typeof (value as { then?: unknown }).then === "function";
}
