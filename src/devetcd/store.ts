import type { KeyValue } from "../../gen/etcd/api/mvccpb/kv.ts";
import { compacted, futureRevision } from "./etcd-errors.ts";
import { createHistory } from "./history.ts";
import { bytesOf, type Key, type KeyRange } from "./key-range.ts";

/** What one write did to one key. */
export interface Change {
  readonly key: Key;
  readonly deleted: boolean;
  /** As a watch reports it: of a deleted key only the key and the revision of its deletion. */
  readonly kv: KeyValue;
}

/** What can be read at one moment: of the store, or inside a write of what it has done so far. */
export interface View {
  readonly revision: bigint;
  /**
   * The keys of a range, in order, as they stood at a revision; 0 and less is now.
   * @throws RpcError when that revision is in the future, or compacted
   */
  read(range: KeyRange, revision?: bigint): KeyValue[];
}

/** A write under way. Its changes share one revision, and are seen by its own reads only. */
export interface Write extends View {
  put(key: Key, value: Uint8Array, lease: bigint): void;
  /** @returns how many keys it deleted */
  delete(range: KeyRange): number;
}

/** Keys with their history, by etcd's rules: every write that changes something makes one new revision. */
export interface Store extends View {
  /** Revisions below it are forgotten; -1 before the first compaction. */
  readonly compactRevision: bigint;
  /** Bytes of all keys and values that are held, their history included. */
  readonly bytes: number;
  /** How many changes the history holds. */
  readonly changes: number;
  /** Runs `work` as one write: all of its changes or, when it throws before the first, none. */
  write<T>(work: (write: Write) => T): T;
  /** The changes from a revision on, oldest first; cut after `limit`, never inside a revision. */
  changesFrom(revision: bigint, limit: number): readonly Change[];
  /** The revision that leaves about `count` changes in the history. */
  revisionOfLast(count: number): bigint;
  /** @throws RpcError when that revision is in the future, or compacted already */
  compact(revision: bigint): void;
  /** Calls `listener` with the changes of every write, once it is done. Returns a function that ends it. */
  onWrite(listener: (changes: readonly Change[]) => void): () => void;
  /** Calls `listener` after every compaction. Returns a function that ends it. */
  onCompact(listener: () => void): () => void;
}

export interface StoreOptions {
  /** The revision of the empty store; 1 by default, as etcd's. */
  readonly firstRevision?: bigint | undefined;
}

export function createStore({ firstRevision = 1n }: StoreOptions = {}): Store {
  const history = createHistory();
  const writeListeners = new Set<(changes: readonly Change[]) => void>();
  const compactListeners = new Set<() => void>();
  let current = firstRevision;
  // A store that begins late has no history before its beginning.
  let compactRevision = firstRevision === 1n ? -1n : firstRevision;

  function readAt(range: KeyRange, asked: bigint, newest: bigint): KeyValue[] {
    if (asked > newest) throw futureRevision();
    const revision = asked <= 0n ? newest : asked;
    if (revision < compactRevision) throw compacted();
    return history.at(range, revision).map(({ kv }) => kv);
  }

  function write<T>(work: (write: Write) => T): T {
    const next = current + 1n;
    const changes: Change[] = [];
    const add = (change: Change): void => {
      history.add(change);
      changes.push(change);
    };
    const view: Write = {
      get revision() {
        return changes.length === 0 ? current : next;
      },
      read: (range, revision = 0n) => readAt(range, revision, view.revision),
      put: (key, value, lease) => add(putOf(key, value, lease, next, history.latest(key))),
      delete(range) {
        const found = history.at(range, next);
        for (const { key } of found) add(deletionOf(key, next));
        return found.length;
      },
    };
    try {
      return work(view);
    } finally {
      if (changes.length > 0) {
        current = next;
        for (const listener of writeListeners) listener(changes);
      }
    }
  }

  return {
    get revision() {
      return current;
    },
    get compactRevision() {
      return compactRevision;
    },
    get bytes() {
      return history.bytes;
    },
    get changes() {
      return history.length;
    },
    read: (range, revision = 0n) => readAt(range, revision, current),
    write,
    changesFrom: history.from,
    revisionOfLast: history.revisionOfLast,
    compact(revision) {
      if (revision <= compactRevision) throw compacted();
      if (revision > current) throw futureRevision();
      compactRevision = revision;
      history.compact(revision);
      for (const listener of compactListeners) listener();
    },
    onWrite: (listener) => listen(writeListeners, listener),
    onCompact: (listener) => listen(compactListeners, listener),
  };
}

function putOf(key: Key, value: Uint8Array, lease: bigint, revision: bigint, before: Change | undefined): Change {
  const { createRevision, version } =
    before === undefined || before.deleted ? { createRevision: revision, version: 0n } : before.kv;
  // A copy: the message it came in may be a view of a buffer that is used again.
  const kv = {
    key: bytesOf(key),
    value: new Uint8Array(value),
    createRevision,
    modRevision: revision,
    version: version + 1n,
    lease,
  };
  return { key, deleted: false, kv };
}

function deletionOf(key: Key, revision: bigint): Change {
  const nothing = { value: new Uint8Array(), createRevision: 0n, version: 0n, lease: 0n };
  return { key, deleted: true, kv: { ...nothing, key: bytesOf(key), modRevision: revision } };
}

function listen<L>(listeners: Set<L>, listener: L): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}
