import { once } from "node:events";
import type { Registry, Snapshot } from "../registry/registry.ts";
import { meantBy } from "./meant.ts";
import { didYouMean, someOf } from "./suggest.ts";

/** Milliseconds until a registry that says nothing is given up, where no other time is given. */
export const patienceMs = 5_000;

/** How long a registry is waited for. */
export interface Patience {
  readonly signal: AbortSignal;
  /** 0 is without end. */
  readonly timeoutMs: number;
}

/**
 * What the registry has of a service now.
 * @throws Error that says why the registry gives no answer
 */
export async function snapshotNow(registry: Registry, service: string, patience: Patience): Promise<Snapshot> {
  let stop = (): void => {};
  const answer = new Promise<Snapshot>((resolve, reject) => {
    stop = registry.resolve(service, (snapshot) => {
      const { state, reason } = snapshot;
      if (state === "current") resolve(snapshot);
      else if (reason !== undefined) reject(unanswered(service, reason));
    });
  });
  try {
    return await within(answer, service, patience);
  } finally {
    stop();
  }
}

/**
 * The names of the services that the registry has now.
 * @throws Error that says why the registry gives no answer
 */
export function servicesNow(registry: Registry, patience: Patience): Promise<string[]> {
  return within(registry.services(), "its services", patience);
}

/** Rejects when the registry was waited for long enough, or the user does not want to wait. */
async function within<T>(answer: Promise<T>, what: string, { signal, timeoutMs }: Patience): Promise<T> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => {
    reject(unanswered(what, signal.aborted ? "interrupted" : `it was silent for ${timeoutMs} ms`));
  };
  const timer = timeoutMs === 0 ? undefined : setTimeout(giveUp, timeoutMs);
  signal.addEventListener("abort", giveUp);
  if (signal.aborted) giveUp();
  try {
    return await Promise.race([answer, over]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
  }
}

function unanswered(what: string, reason: string): Error {
  return new Error(`the registry does not answer for ${what}: ${reason}`);
}

/** Shows every snapshot of a service, in order, until the signal aborts. */
export async function follow(
  registry: Registry,
  service: string,
  signal: AbortSignal,
  show: (snapshot: Snapshot) => Promise<void>,
): Promise<void> {
  let shown = Promise.resolve();
  const stop = registry.resolve(service, (snapshot) => {
    shown = shown.then(() => show(snapshot));
  });
  if (!signal.aborted) await once(signal, "abort");
  stop();
  await shown;
}

/**
 * A service as the registry has it now, by its name in whatever case.
 * @param failure makes the error for one without servers: it may be misspelt, or its entries be of no use
 * @throws Error that says why the registry gives no answer
 */
export async function servedNow(
  registry: Registry,
  given: string,
  patience: Patience,
  failure: (message: string) => Error,
): Promise<{ readonly service: string; readonly now: Snapshot }> {
  const now = await snapshotNow(registry, given, patience);
  if (now.endpoints.length > 0) return { service: given, now };
  const known = await servicesNow(registry, patience);
  const service = meantBy(given, known, (name) => name);
  if (service !== undefined && service !== given)
    return { service, now: await snapshotNow(registry, service, patience) };
  const names = known.length === 0 ? "it has no service at all" : `it has: ${someOf(known)}`;
  const unread = now.incomplete === undefined ? "" : `${now.incomplete}; `;
  throw failure(`the registry has no server of ${given}${didYouMean(given, known)} (${unread}${names})`);
}
