import { FACT_LINES, type Level, type Line } from "./fact-lines.ts";
import type { FactKind, FactListeners, FactOf } from "./facts.ts";
import type { Logger } from "./logger.ts";
import { seldom } from "./seldom.ts";
import { seldomByAddress } from "./seldom-by-address.ts";

export const FACT_KINDS: readonly FactKind[] = Object.keys(FACT_LINES) as FactKind[];

type Fields = Readonly<Record<string, unknown>>;

/** A logger as a reader of facts: one line for what an operator would want to know, and none for what goes well. */
export function loggedBy(logger: Logger): FactListeners {
  const listeners: Partial<Record<FactKind, unknown>> = {};
  for (const kind of FACT_KINDS) {
    const line = FACT_LINES[kind] as Line<never> | undefined;
    if (line !== undefined) listeners[kind] = writing(line, logger);
  }
  return listeners as FactListeners;
}

function writing(line: Line<never>, logger: Logger): (fact: FactOf<never>) => void {
  const { level, text, without = [], everyMs, byClient = false } = line;
  const omitted: ReadonlySet<string> = new Set(without as readonly string[]);
  const write = (fields: Fields, at: Level = level): void => {
    const shown: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(fields)) {
      if (name === "kind" || value === undefined || omitted.has(name)) continue;
      shown[name === "error" ? "err" : name] = value;
    }
    logger[at](shown, typeof text === "string" ? text : text(fields as never));
  };
  if (everyMs === undefined) return (fact) => write(fact);
  if (!byClient) return seldom<Fields>(everyMs, (fields) => write(fields));
  const writeOne = seldomByAddress<Fields>(everyMs, (fields) => write(fields));
  return (fact: Fields) => {
    if (!writeOne(hostOf(String(fact.peer)), fact)) write(fact, "debug");
  };
}

/** The host in `host:port`. */
function hostOf(address: string): string {
  return address.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
}
