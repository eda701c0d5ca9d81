import { once } from "node:events";
import type { Endpoint } from "../core/endpoint.ts";
import type { Registry, Snapshot } from "../registry/registry.ts";
import { didYouMean, someOf } from "./suggest.ts";

/** Milliseconds until a registry that says nothing is given up. */
const patienceMs = 5_000;

/**
 * The servers of a service as the registry has them now.
 * @throws Error that says why the registry gives no answer
 */
export function endpointsNow(registry: Registry, service: string, signal: AbortSignal): Promise<readonly Endpoint[]> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
      // The listener may be called before `resolve` has returned what ends it.
      queueMicrotask(() => stop());
    };
    const fail = (reason: string): void => {
      settle();
      reject(new Error(`the registry does not answer for ${service}: ${reason}`));
    };
    const giveUp = (): void => fail(signal.aborted ? "interrupted" : `it was silent for ${patienceMs} ms`);
    const timer = setTimeout(giveUp, patienceMs);
    signal.addEventListener("abort", giveUp);
    const stop = registry.resolve(service, ({ state, endpoints, reason }) => {
      if (state !== "current") {
        if (reason !== undefined) fail(reason);
        return;
      }
      settle();
      resolve(endpoints);
    });
  });
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

/** The error for a service without servers: it may be misspelt. */
export async function nobodyServes(registry: Registry, service: string): Promise<Error> {
  const known = await registry.services();
  const names = known.length === 0 ? "it has no service at all" : `it has: ${someOf(known)}`;
  return new Error(`the registry has no server of ${service}${didYouMean(service, known)} (${names})`);
}
