const simulated = new WeakSet<object>();

/** Marks an error that an interceptor makes in a server's place: it counts as the server's. */
export function simulate<E extends object>(error: E): E {
  simulated.add(error);
  return error;
}

export function isSimulated(error: unknown): boolean {
  return typeof error === "object" && error !== null && simulated.has(error);
}
