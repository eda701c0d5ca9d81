import type { PolicyRevision } from "../../../core/policy-source.ts";
import { mostRemembered } from "../../policy-change.ts";
import type { Put } from "../client.ts";
import type { Entry } from "../keys.ts";
import { readDocument } from "./document.ts";

/** Below `<service>/` stand the last policies of a service, each written together with the policy itself. */
const historyPrefix = "trunkline/policy-history/";

export const historyOf = (service: string): string => `${historyPrefix}${service}/`;

/** What is remembered, the newest first. What cannot be read is left out. */
export function readHistory(service: string, entries: readonly Entry[]): PolicyRevision[] {
  const all = entries.flatMap((entry) => {
    try {
      return [readDocument(service, entry, true)];
    } catch {
      return [];
    }
  });
  return all.sort((one, other) => other.revision - one.revision);
}

/**
 * What is written into the history beside a new policy. There is room for a hundred: the oldest makes way. Where the one
 * before was written by hand it is not there yet, and is remembered too.
 */
export function historyPuts(
  service: string,
  { entries, current, document }: { entries: readonly Entry[]; current: Entry | undefined; document: string },
): Put[] {
  const places = [...placesIn(service, entries)];
  const take = (value: string): Put => ({ ...(places.shift() as Omit<Put, "value">), value });
  const byHand = current === undefined ? undefined : unremembered(service, current, entries);
  return byHand === undefined ? [take(document)] : [take(byHand), take(document)];
}

function* placesIn(service: string, entries: readonly Entry[]): Generator<Omit<Put, "value">> {
  const taken = new Map(entries.map((entry) => [entry.key, entry]));
  for (let i = 0; i < mostRemembered; i++) {
    const key = `${historyOf(service)}${String(i).padStart(2, "0")}`;
    if (!taken.has(key)) yield { key, expected: "0" };
  }
  const oldest = [...entries].sort((one, other) => Number(one.modRevision) - Number(other.modRevision));
  for (const { key, modRevision } of oldest) yield { key, expected: modRevision };
}

function unremembered(service: string, current: Entry, entries: readonly Entry[]): string | undefined {
  const revision = Number(current.modRevision);
  if (readHistory(service, entries).some((each) => each.revision === revision)) return undefined;
  try {
    readDocument(service, current);
    return JSON.stringify({ ...JSON.parse(current.value), revision });
  } catch {
    return undefined;
  }
}
