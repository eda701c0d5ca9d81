import type { Resolver, Snapshot } from "../../src/registry/registry.ts";

/** What a resolver says of one service, to be waited for. */
export interface Watched {
  readonly seen: readonly Snapshot[];
  readonly last: Snapshot | undefined;
  /** The addresses of the last snapshot, sorted. */
  readonly addresses: readonly string[];
  /** Resolves to the first snapshot, the last one counted, of which this is true. Rejects after `timeoutMs` (10,000). */
  until(holds: (snapshot: Snapshot) => boolean, timeoutMs?: number): Promise<Snapshot>;
  /** Waits for a current snapshot with exactly these addresses. */
  untilCurrent(...addresses: readonly string[]): Promise<Snapshot>;
  stop(): void;
}

export function watchService(registry: Resolver, service: string): Watched {
  const seen: Snapshot[] = [];
  const waiting = new Set<(snapshot: Snapshot) => void>();
  const stop = registry.resolve(service, (snapshot) => {
    seen.push(snapshot);
    for (const look of [...waiting]) look(snapshot);
  });

  const until: Watched["until"] = (holds, timeoutMs = 10_000) =>
    new Promise((resolve, reject) => {
      const last = seen.at(-1);
      if (last !== undefined && holds(last)) return resolve(last);
      const look = (snapshot: Snapshot) => {
        if (!holds(snapshot)) return;
        clearTimeout(timer);
        waiting.delete(look);
        resolve(snapshot);
      };
      const timer = setTimeout(() => {
        waiting.delete(look);
        reject(new Error(`waited ${timeoutMs} ms in vain; ${service} is ${JSON.stringify(seen.at(-1))}`));
      }, timeoutMs);
      waiting.add(look);
    });

  return {
    seen,
    get last() {
      return seen.at(-1);
    },
    get addresses() {
      return addressesOf(seen.at(-1));
    },
    until,
    untilCurrent: (...addresses) =>
      until(
        (snapshot) => snapshot.state === "current" && addressesOf(snapshot).join() === [...addresses].sort().join(),
      ),
    stop,
  };
}

export function addressesOf(snapshot: Snapshot | undefined): string[] {
  return (snapshot?.endpoints ?? []).map(({ address }) => address).sort();
}
