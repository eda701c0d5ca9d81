import type { Endpoint } from "../../core/endpoint.ts";
import { createOneEach, type Entered } from "../one-each.ts";

/** An entry that was read. */
export interface Line {
  readonly modRevision: string;
  /** `undefined` where the entry cannot be read. */
  readonly endpoint: Endpoint | undefined;
  /** The place of its dialect among those configured: of two entries with one address the lowest stands. */
  readonly rank: number;
  /** What it is of the bytes that are held. */
  readonly size: number;
}

/** Lines by their keys, and what they come to. */
export interface Lines {
  readonly count: number;
  /** In bytes. */
  readonly size: number;
  readonly unreadable: number;
  get(key: string): Line | undefined;
  set(key: string, line: Line): void;
  /** True where there was one. */
  delete(key: string): boolean;
  /** One for each address; the same array until something changes. */
  endpoints(): readonly Endpoint[];
}

type Readable = Line & Entered;

export function createLines(): Lines {
  const lines = new Map<string, Line>();
  const oneEach = createOneEach<Readable>(lowest);
  let size = 0;
  let unreadable = 0;

  const remove = (key: string) => {
    const line = lines.get(key);
    if (line === undefined) return false;
    size -= line.size;
    if (isReadable(line)) oneEach.delete(line);
    else unreadable--;
    return lines.delete(key);
  };

  return {
    get count() {
      return lines.size;
    },
    get size() {
      return size;
    },
    get unreadable() {
      return unreadable;
    },
    get: (key) => lines.get(key),
    set(key, line) {
      remove(key);
      lines.set(key, line);
      size += line.size;
      if (isReadable(line)) oneEach.add(line);
      else unreadable++;
    },
    delete: remove,
    endpoints: oneEach.endpoints,
  };
}

function isReadable(line: Line): line is Readable {
  return line.endpoint !== undefined;
}

/** The first of the lowest rank. */
function lowest(lines: ReadonlySet<Readable>): Readable | undefined {
  let best: Readable | undefined;
  for (const line of lines) if (best === undefined || line.rank < best.rank) best = line;
  return best;
}
