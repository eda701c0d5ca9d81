/**
 * A rejection that comes once the event loop has turned, for what fails before anything was sent. Whoever calls again as
 * soon as a call has failed would otherwise never let a connection be made, nor anything else happen.
 */
export function rejectedLater(error: unknown): Promise<never> {
  return new Promise((_resolve, reject) => {
    setImmediate(reject, error);
  });
}
