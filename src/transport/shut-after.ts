/** Ends a close that waits for its calls when `timeoutMs` have passed, unless it has come to its end before. */
export function shutAfter(
  timeoutMs: number,
  closing: PromiseWithResolvers<void>,
  shut: (closing: PromiseWithResolvers<void>) => void,
): void {
  const timer = setTimeout(shut, timeoutMs, closing);
  void closing.promise.then(() => clearTimeout(timer));
}
