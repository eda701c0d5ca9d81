import type { PolicyRevision, PolicySnapshot, PolicySource } from "../../src/core/policy-source.ts";

export interface WatchedPolicies {
  readonly seen: readonly PolicySnapshot[];
  /** Resolves with the first snapshot, heard or to come, that fits. */
  until(fits: (snapshot: PolicySnapshot) => boolean, withinMs?: number): Promise<PolicySnapshot>;
  /** What holds of a service, as soon as it is of this revision or later. */
  untilRevision(one: Pick<PolicyRevision, "service" | "revision">, withinMs?: number): Promise<PolicyRevision>;
  stop(): void;
}

/** Listens to a source, and keeps what it hears. */
export function watchPolicies(source: PolicySource): WatchedPolicies {
  const seen: PolicySnapshot[] = [];
  const waiting = new Set<() => void>();
  const stop = source.watch((snapshot) => {
    seen.push(snapshot);
    for (const look of [...waiting]) look();
  });

  function until(fits: (snapshot: PolicySnapshot) => boolean, withinMs = 15_000): Promise<PolicySnapshot> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        waiting.delete(look);
        reject(new Error(`not seen within ${withinMs} ms; the last was ${show(seen.at(-1))}`));
      }, withinMs);
      const look = (): void => {
        const last = seen.at(-1);
        if (last === undefined || !fits(last)) return;
        waiting.delete(look);
        clearTimeout(late);
        resolve(last);
      };
      waiting.add(look);
      look();
    });
  }

  return {
    seen,
    until,
    async untilRevision({ service, revision }, withinMs) {
      const fits = ({ policies }: PolicySnapshot): boolean => (policies.get(service)?.revision ?? 0) >= revision;
      const { policies } = await until(fits, withinMs);
      return policies.get(service) as PolicyRevision;
    },
    stop,
  };
}

function show(snapshot: PolicySnapshot | undefined): string {
  return JSON.stringify(snapshot && { ...snapshot, policies: [...snapshot.policies.values()] });
}
