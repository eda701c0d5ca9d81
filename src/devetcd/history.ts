import type { Key, KeyRange } from "./key-range.ts";
import { firstIndex } from "./sorted.ts";
import type { Change } from "./store.ts";

/** Every change that is remembered, by key and in order. */
export interface History {
  /** Bytes of the keys and values held. */
  readonly bytes: number;
  /** How many changes the log holds. */
  readonly length: number;
  /** Appends; revisions never go down. */
  add(change: Change): void;
  /** The newest change of a key, a deletion too. */
  latest(key: Key): Change | undefined;
  /** The keys of a range that stood at a revision, in order. */
  at(range: KeyRange, revision: bigint): Change[];
  /** The changes from a revision on; cut after `limit`, never inside a revision. */
  from(revision: bigint, limit: number): readonly Change[];
  /** The revision that leaves about `count` changes in the log. */
  revisionOfLast(count: number): bigint;
  /** Forgets what cannot be seen at this revision or later. */
  compact(revision: bigint): void;
}

export function createHistory(): History {
  const versions = new Map<Key, Change[]>();
  let keys: Key[] = [];
  let log: Change[] = [];
  let bytes = 0;

  function indexOfKey(key: Key): number {
    return firstIndex(keys, (each) => each >= key);
  }

  function indexOfRevision(changes: readonly Change[], revision: bigint): number {
    return firstIndex(changes, ({ kv }) => kv.modRevision >= revision);
  }

  return {
    get bytes() {
      return bytes;
    },
    get length() {
      return log.length;
    },
    add(change) {
      let changes = versions.get(change.key);
      if (changes === undefined) {
        changes = [];
        versions.set(change.key, changes);
        keys.splice(indexOfKey(change.key), 0, change.key);
      }
      changes.push(change);
      log.push(change);
      bytes += sizeOf(change);
    },
    latest: (key) => versions.get(key)?.at(-1),
    at({ from, to }, revision) {
      const found: Change[] = [];
      for (let i = indexOfKey(from); i < keys.length; i++) {
        const key = keys[i] as Key;
        if (to !== undefined && key >= to) break;
        const changes = versions.get(key) as Change[];
        const change = changes[indexOfRevision(changes, revision + 1n) - 1];
        if (change !== undefined && !change.deleted) found.push(change);
      }
      return found;
    },
    from(revision, limit) {
      const start = indexOfRevision(log, revision);
      let end = start + limit;
      while (end < log.length && log[end]?.kv.modRevision === log[end - 1]?.kv.modRevision) end++;
      return log.slice(start, end);
    },
    revisionOfLast: (count) => log.at(-Math.min(count, log.length))?.kv.modRevision ?? 0n,
    compact(revision) {
      const upTo = log.slice(0, indexOfRevision(log, revision + 1n));
      const touched = new Set(upTo.map(({ key }) => key));
      log = log.slice(indexOfRevision(log, revision));
      for (const key of touched) {
        const changes = versions.get(key) ?? [];
        const visible = indexOfRevision(changes, revision + 1n) - 1;
        const gone = changes.splice(0, changes[visible]?.deleted ? visible + 1 : Math.max(visible, 0));
        for (const change of gone) bytes -= sizeOf(change);
        if (changes.length === 0) versions.delete(key);
      }
      keys = keys.filter((key) => versions.has(key));
    },
  };
}

function sizeOf({ kv }: Change): number {
  return kv.key.length + kv.value.length;
}
