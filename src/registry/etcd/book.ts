import type { Endpoint } from "../../core/endpoint.ts";
import type { Facts } from "../../core/facts.ts";
import { shortened } from "../../core/printable.ts";
import { checkEndpoint } from "../announcement.ts";
import { type Change, type Listing, maxEntries, maxListedBytes, sizeOf } from "./client.ts";
import type { Dialect } from "./dialects/dialect.ts";
import type { Entry } from "./keys.ts";
import { createLines, type Line, type Lines } from "./lines.ts";
import { inTurns } from "./turns.ts";

/**
 * The endpoints of one service, as its keys say. What is new is read in turns, and then shows all at once: `replace` and
 * `apply` are called one after another, each when the one before has resolved. Nothing changes where the signal aborts.
 */
export interface Book {
  /** These are all the keys. True where that changed the endpoints, or what is said of those that are missing. */
  replace(listing: Pick<Listing, "entries" | "truncated">): Promise<boolean>;
  /** True where that changed the endpoints, or what is said of those that are missing. */
  apply(changes: readonly Change[]): Promise<boolean>;
  /**
   * One for each address; the same array until something changes. An endpoint is the same object until its key is
   * written again, also where that says the same: it has been announced anew.
   */
  endpoints(): readonly Endpoint[];
  /** How many entries no dialect can read. */
  readonly unreadable: number;
  /** True where there were more than `maxEntries` or `maxListedBytes`, since the last list. */
  readonly isCut: boolean;
}

export interface BookOptions {
  readonly service: string;
  readonly dialects: readonly Dialect[];
  readonly facts: Facts;
  readonly signal: AbortSignal;
}

/** Unreadable entries beyond this many are not told of, until the service is resolved anew. */
const maxComplaints = 1_000;

/** An entry that no dialect can read is left out and told of once for each time it was written. */
export function createBook({ service, dialects, facts, signal }: BookOptions): Book {
  const prefixes = dialects.map((dialect) => dialect.prefix(service));
  const complaints = new Set<string>();
  let lines = createLines();
  let isCut = false;

  const lineOf = (entry: Entry): Line => {
    const { modRevision } = entry;
    const size = sizeOf(entry);
    const problems: string[] = entry.tooLong === undefined ? [] : [entry.tooLong];
    for (const [rank, dialect] of entry.tooLong === undefined ? dialects.entries() : []) {
      if (!entry.key.startsWith(prefixes[rank] ?? "")) continue;
      try {
        const endpoint = dialect.read(entry);
        checkEndpoint(endpoint);
        return { modRevision, endpoint, rank, size };
      } catch (error) {
        problems.push(`${dialect.name}: ${(error as Error).message}`);
      }
    }
    complain(entry, problems.join("; "));
    return { modRevision, endpoint: undefined, rank: 0, size };
  };

  const complain = ({ key, modRevision }: Entry, problem: string) => {
    const complaint = `${modRevision} ${shortened(key)}`;
    if (complaints.size >= maxComplaints || complaints.has(complaint)) return;
    complaints.add(complaint);
    facts.on["entry-unreadable"]?.({ service, key: shortened(key), problem: shortened(problem) });
  };

  const hasRoom = (key: string, { size }: Line) => {
    const known = lines.get(key);
    if (known === undefined && lines.count >= maxEntries) return false;
    return lines.size - (known?.size ?? 0) + size <= maxListedBytes;
  };

  const cut = () => {
    if (!isCut) facts.on["entries-cut"]?.({ service, maxEntries, maxListedBytes });
    isCut = true;
  };

  return {
    async replace({ entries, truncated }) {
      const next: Lines = createLines();
      let changed = truncated !== isCut;
      await inTurns(entries, signal, (entry) => {
        const known = lines.get(entry.key);
        const same = known !== undefined && known.modRevision === entry.modRevision;
        if (!same) changed = true;
        next.set(entry.key, same ? known : lineOf(entry));
      });
      if (signal.aborted) return false;
      changed ||= next.count !== lines.count;
      if (!changed) return false;
      lines = next;
      if (truncated) cut();
      isCut = truncated;
      return true;
    },

    async apply(changes) {
      const read: (readonly [key: string, line: Line | undefined])[] = [];
      await inTurns(changes, signal, ({ key, entry }) => {
        read.push([key, entry === undefined ? undefined : lineOf(entry)]);
      });
      if (signal.aborted) return false;
      let changed = false;
      for (const [key, line] of read) {
        const fits = line !== undefined && hasRoom(key, line);
        if (fits) lines.set(key, line);
        const gone = !fits && lines.delete(key);
        const firstOut = line !== undefined && !fits && !isCut;
        if (firstOut) cut();
        changed ||= fits || gone || firstOut;
      }
      return changed;
    },

    get unreadable() {
      return lines.unreadable;
    },

    get isCut() {
      return isCut;
    },

    endpoints: () => lines.endpoints(),
  };
}
