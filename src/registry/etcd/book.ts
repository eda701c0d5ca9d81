import type { Endpoint } from "../../core/endpoint.ts";
import type { Logger } from "../../core/logger.ts";
import { shortened } from "../../core/printable.ts";
import { type Change, maxEntries } from "./client.ts";
import type { Dialect } from "./dialects/dialect.ts";
import type { Entry } from "./keys.ts";

/** The endpoints of one service, as its keys say. */
export interface Book {
  /** These are all the keys. True where that changed the endpoints. */
  replace(entries: readonly Entry[]): boolean;
  /** True where that changed the endpoints. */
  apply(changes: readonly Change[]): boolean;
  /**
   * One for each address; the same array until something changes. An endpoint is the same object until its key is
   * written again, also where that says the same: it has been announced anew.
   */
  endpoints(): readonly Endpoint[];
  /** How many entries no dialect can read. */
  readonly unreadable: number;
}

interface Line {
  readonly modRevision: string;
  /** `undefined` where the entry cannot be read. */
  readonly endpoint: Endpoint | undefined;
  /** The place of its dialect among those configured: of two entries with one address the lowest stands. */
  readonly rank: number;
}

/** Unreadable entries beyond this many are not logged, until the service is resolved anew. */
const maxComplaints = 1_000;

/** An entry that no dialect can read is left out and logged once for each time it was written. */
export function createBook(service: string, dialects: readonly Dialect[], logger: Logger): Book {
  const prefixes = dialects.map((dialect) => dialect.prefix(service));
  const complaints = new Set<string>();
  let lines = new Map<string, Line>();
  let endpoints: readonly Endpoint[] | undefined;
  let unreadable = 0;

  const countOut = (key: string) => {
    const line = lines.get(key);
    if (line !== undefined && line.endpoint === undefined) unreadable--;
  };
  const set = (key: string, line: Line) => {
    countOut(key);
    lines.set(key, line);
    if (line.endpoint === undefined) unreadable++;
  };
  const forget = (key: string) => {
    countOut(key);
    return lines.delete(key);
  };

  const lineOf = (entry: Entry): Line => {
    const problems: string[] = entry.tooLong === undefined ? [] : [entry.tooLong];
    for (const [rank, dialect] of entry.tooLong === undefined ? dialects.entries() : []) {
      if (!entry.key.startsWith(prefixes[rank] ?? "")) continue;
      try {
        return { modRevision: entry.modRevision, endpoint: dialect.read(entry), rank };
      } catch (error) {
        problems.push(`${dialect.name}: ${(error as Error).message}`);
      }
    }
    complain(entry, problems.join("; "));
    return { modRevision: entry.modRevision, endpoint: undefined, rank: 0 };
  };

  const complain = ({ key, modRevision }: Entry, problem: string) => {
    const complaint = `${modRevision} ${shortened(key)}`;
    if (complaints.size >= maxComplaints || complaints.has(complaint)) return;
    complaints.add(complaint);
    logger.warn(
      { service, key: shortened(key), problem: shortened(problem) },
      "an entry of the registry cannot be read and is left out",
    );
  };

  return {
    replace(entries) {
      const before = lines;
      lines = new Map();
      unreadable = 0;
      let changed = false;
      for (const entry of entries) {
        const known = before.get(entry.key);
        const same = known !== undefined && known.modRevision === entry.modRevision;
        if (!same) changed = true;
        set(entry.key, same ? known : lineOf(entry));
      }
      changed ||= lines.size !== before.size;
      if (changed) endpoints = undefined;
      return changed;
    },

    apply(changes) {
      let changed = false;
      for (const { key, entry } of changes) {
        if (entry === undefined) {
          if (forget(key)) changed = true;
        } else if (lines.has(key) || lines.size < maxEntries) {
          set(key, lineOf(entry));
          changed = true;
        }
      }
      if (changed) endpoints = undefined;
      return changed;
    },

    get unreadable() {
      return unreadable;
    },

    endpoints() {
      endpoints ??= oneEach(lines.values());
      return endpoints;
    },
  };
}

function oneEach(lines: Iterable<Line>): readonly Endpoint[] {
  const best = new Map<string, Line>();
  for (const line of lines) {
    if (line.endpoint === undefined) continue;
    const other = best.get(line.endpoint.address);
    if (other === undefined || line.rank < other.rank) best.set(line.endpoint.address, line);
  }
  return [...best.values()].flatMap(({ endpoint }) => endpoint ?? []);
}
