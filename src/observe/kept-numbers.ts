import type { Attributes } from "@opentelemetry/api";

/** Numbers that stand, one for each set of attributes. */
export interface KeptNumbers {
  add(change: number, attributes: Attributes): void;
  set(value: number | (() => number), attributes: Attributes): void;
  each(tell: (value: number, attributes: Attributes) => void): void;
}

interface Kept {
  readonly attributes: Attributes;
  value: number | (() => number);
}

/** More sets than this are counted together: each costs the collector, and everybody behind it, for ever. */
const mostSets = 1_000;
const rest: Attributes = { "otel.metric.overflow": true };

export function createKeptNumbers(): KeptNumbers {
  const sets = new Map<string, Kept>();

  function of(attributes: Attributes): Kept {
    const key = JSON.stringify(attributes);
    const known = sets.get(key);
    if (known !== undefined) return known;
    if (sets.size >= mostSets && attributes !== rest) return of(rest);
    const kept: Kept = { attributes, value: 0 };
    sets.set(key, kept);
    return kept;
  }

  return {
    add(change, attributes) {
      const kept = of(attributes);
      kept.value = (typeof kept.value === "number" ? kept.value : 0) + change;
    },
    set(value, attributes) {
      of(attributes).value = value;
    },
    each(tell) {
      for (const { attributes, value } of sets.values()) tell(typeof value === "number" ? value : value(), attributes);
    },
  };
}
