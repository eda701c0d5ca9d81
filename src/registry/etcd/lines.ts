import type { Endpoint } from "../../core/endpoint.ts";

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
  /** One for each address. */
  endpoints(): readonly Endpoint[];
}

export function createLines(): Lines {
  const lines = new Map<string, Line>();
  let size = 0;
  let unreadable = 0;

  const remove = (key: string) => {
    const line = lines.get(key);
    if (line === undefined) return false;
    size -= line.size;
    if (line.endpoint === undefined) unreadable--;
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
      if (line.endpoint === undefined) unreadable++;
    },
    delete: remove,
    endpoints: () => oneEach(lines.values()),
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
