import type { Endpoint } from "../core/endpoint.ts";
import { createRoster } from "../core/roster.ts";

/** What a registry has of one server. Several may have one address. */
export interface Entered {
  readonly endpoint: Endpoint;
}

/** One endpoint for each address, at the cost of the addresses where something has changed. */
export interface OneEach<T extends Entered> {
  add(entered: T): void;
  /** True where it was there. */
  delete(entered: T): boolean;
  /** So many addresses there are. */
  readonly size: number;
  /** The same array until something changes. */
  endpoints(): readonly Endpoint[];
}

/** `standing` chooses among those of one address, which are in the order in which they were added. */
export function createOneEach<T extends Entered>(standing: (those: ReadonlySet<T>) => T | undefined): OneEach<T> {
  /** Most addresses have one, and need no set. */
  const byAddress = new Map<string, T | ReadonlySet<T>>();
  const shown = new Map<string, Endpoint>();
  const changed = new Set<string>();
  const endpoints = createRoster<Endpoint>();

  const isMany = (those: T | ReadonlySet<T>): those is Set<T> => those instanceof Set;

  function show(address: string): void {
    const before = shown.get(address);
    const those = byAddress.get(address);
    const after = those === undefined ? undefined : isMany(those) ? standing(those)?.endpoint : (those as T).endpoint;
    if (after === before) return;
    if (after === undefined) shown.delete(address);
    else shown.set(address, after);
    if (before === undefined) endpoints.add(after as Endpoint);
    else if (after === undefined) endpoints.delete(before);
    else endpoints.replace(before, after);
  }

  return {
    add(entered) {
      const { address } = entered.endpoint;
      const there = byAddress.get(address);
      if (there === undefined) byAddress.set(address, entered);
      else if (isMany(there)) there.add(entered);
      else byAddress.set(address, new Set([there as T, entered]));
      changed.add(address);
    },
    delete(entered) {
      const { address } = entered.endpoint;
      const there = byAddress.get(address);
      if (there === undefined || !(isMany(there) ? there.delete(entered) : there === entered)) return false;
      if (!isMany(there) || there.size === 0) byAddress.delete(address);
      changed.add(address);
      return true;
    },
    get size() {
      return byAddress.size;
    },
    endpoints() {
      for (const address of changed) show(address);
      changed.clear();
      return endpoints.list();
    },
  };
}
