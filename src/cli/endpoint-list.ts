import type { Endpoint } from "../core/endpoint.ts";
import type { Snapshot } from "../registry/registry.ts";

/** Zones, or versions, that are counted one by one. */
const mostValues = 5;

/** A snapshot, of which only the first servers of a zone are shown. */
export interface Shown {
  readonly snapshot: Snapshot;
  readonly first: readonly Endpoint[];
  readonly rest: readonly Endpoint[];
}

export function inPart(snapshot: Snapshot, zone: string | undefined, limit: number): Shown {
  const those =
    zone === undefined ? snapshot.endpoints : snapshot.endpoints.filter((each) => each.metadata?.zone === zone);
  const most = limit === 0 ? those.length : limit;
  return { snapshot, first: those.slice(0, most), rest: those.slice(most) };
}

/** A line of JSON. */
export function jsonOf(service: string, { snapshot, first, rest }: Shown): string[] {
  const { state, reason, incomplete } = snapshot;
  const more = rest.length === 0 ? {} : { more: rest.length };
  return [
    JSON.stringify({ service, ...(state !== "current" && { state, reason }), incomplete, endpoints: first, ...more }),
  ];
}

/** A line for the service, and one for each server. */
export function textOf(
  service: string,
  { snapshot: { state, reason, incomplete, endpoints }, first, rest }: Shown,
): string[] {
  const lines = first.map(({ address, metadata = {} }) => {
    const facts = Object.entries(metadata).map(([key, value]) => `  ${word(key)}=${word(value)}`);
    return `  ${word(address)}${facts.join("")}`;
  });
  if (rest.length > 0)
    lines.push(`  and ${rest.length} more${countedBy("zone", rest)}${countedBy("version", rest)}; --limit 0 for all`);
  const none = endpoints.length === 0 ? "  no servers" : `  no servers there, and ${endpoints.length} elsewhere`;
  const doubt = state === "current" ? "" : ` (${state}: ${reason ?? "no reason known"})`;
  const unread = incomplete === undefined ? "" : ` (${incomplete})`;
  return [`${word(service)}${doubt}${unread}`, ...(lines.length === 0 ? [none] : lines)];
}

/** `, zone a 2500, b 2400`: how many there are of each, the most first; nothing where nobody says. */
export function countedBy(key: string, endpoints: readonly Endpoint[]): string {
  const counts = new Map<string, number>();
  for (const { metadata } of endpoints) {
    const value = metadata?.[key];
    if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  if (counts.size === 0) return "";
  const sorted = [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([value, count]) => `${word(value)} ${count}`);
  const named = sorted.slice(0, mostValues).join(", ");
  return `, ${key} ${named}${sorted.length > mostValues ? ", …" : ""}`;
}

/** In quotes what has spaces or quotes, and so could pass for more than one fact. */
function word(text: string): string {
  return /^[^\s"]+$/.test(text) ? text : JSON.stringify(text);
}
