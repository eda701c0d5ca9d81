import { LONGEST_TIMER_MS } from "./clock.ts";

// One for the process, as what it keeps alive is the process. Sockets and timers of a client never do: a connection that
// is kept up, and a watch of the registry, are no reason to stay.
let holds = 0;
let anchor: NodeJS.Timeout | undefined;

/** Keeps the process alive, until `letGo` was called as often: somebody waits for what unref'd sockets and timers bring. */
export function hold(): void {
  if (holds++ > 0) return;
  if (anchor === undefined) anchor = setInterval(() => {}, LONGEST_TIMER_MS);
  else anchor.ref();
}

/** Once for each `hold`. */
export function letGo(): void {
  if (--holds === 0) anchor?.unref();
}

/** Keeps the process alive until `work` has settled. */
export async function holding<T>(work: () => Promise<T>): Promise<T> {
  hold();
  try {
    return await work();
  } finally {
    letGo();
  }
}
