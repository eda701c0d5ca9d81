import {
  type WatchCreateRequest,
  WatchCreateRequest_FilterType,
  type WatchResponse,
} from "../../gen/etcd/api/etcdserverpb/rpc.ts";
import { type Event, Event_EventType, type KeyValue } from "../../gen/etcd/api/mvccpb/kv.ts";
import { boundedRange, contains, rangeFrom } from "./key-range.ts";
import type { Change, Store } from "./store.ts";

/** The part of a reply that a watcher fills in; the stream adds the header and the watcher's id. */
export interface Report extends Pick<WatchResponse, "events" | "compactRevision" | "canceled"> {
  /** The revision that has been reported up to. */
  readonly revision: bigint;
}

/**
 * One watch on a stream. It holds no events, only how far it has reported: what a slow client has not yet read stays
 * in the store's history, and is cancelled when that is compacted.
 */
export interface Watcher {
  readonly id: bigint;
  /** True where the client wants to hear from it even when nothing happens. */
  readonly notifiesProgress: boolean;
  /** Goes on to the next changes. `undefined` where none of them is for this watch. */
  next(): Report | undefined;
  /** True when it has reported everything up to now; false before its first revision has come. */
  readonly upToDate: boolean;
}

const maxChanges = 1_000;
/** Well below the 4 MiB that most clients accept. */
const maxReportBytes = 1024 * 1024;

export function createWatcher(store: Store, id: bigint, request: WatchCreateRequest): Watcher {
  const range = rangeFrom(request.key, request.rangeEnd);
  const unwanted = new Set<boolean>();
  if (request.filters.includes(WatchCreateRequest_FilterType.NOPUT)) unwanted.add(false);
  if (request.filters.includes(WatchCreateRequest_FilterType.NODELETE)) unwanted.add(true);
  let from = request.startRevision === 0n ? store.revision + 1n : request.startRevision;

  function next(): Report | undefined {
    const { compactRevision } = store;
    if (from < compactRevision) {
      from = store.revision + 1n;
      return { events: [], compactRevision, canceled: true, revision: store.revision };
    }
    while (from <= store.revision) {
      const changes = store.changesFrom(from, maxChanges);
      const wanted = changes.filter(({ key, deleted }) => contains(range, key) && !unwanted.has(deleted));
      const events = wanted.map((change) => eventOf(store, change, request.prevKv));
      const fitting = events.slice(0, countFitting(events));
      const cut = fitting.length < events.length ? fitting.at(-1) : changes.at(-1);
      const reached = cut?.kv?.modRevision ?? store.revision;
      from = reached + 1n;
      if (fitting.length > 0) return { events: fitting, compactRevision: 0n, canceled: false, revision: reached };
    }
    return undefined;
  }

  return {
    id,
    notifiesProgress: request.progressNotify,
    next,
    get upToDate() {
      return from === store.revision + 1n;
    },
  };
}

function eventOf(store: Store, { deleted, kv }: Change, withPrevious: boolean): Event {
  const type = deleted ? Event_EventType.DELETE : Event_EventType.PUT;
  const created = !deleted && kv.createRevision === kv.modRevision;
  return { type, kv, prevKv: withPrevious && !created ? valueBefore(store, kv) : undefined };
}

function valueBefore(store: Store, { key, modRevision }: KeyValue): KeyValue | undefined {
  // What stood before the oldest revision is compacted.
  if (modRevision - 1n < store.compactRevision || modRevision === 1n) return undefined;
  return store.read(boundedRange(key, new Uint8Array()), modRevision - 1n)[0];
}

/** How many events make a report of a reasonable size; the events of one revision stay together. */
function countFitting(events: readonly Event[]): number {
  let bytes = 0;
  for (const [at, { kv, prevKv }] of events.entries()) {
    bytes += sizeOf(kv) + sizeOf(prevKv);
    const startsRevision = at > 0 && events[at - 1]?.kv?.modRevision !== kv?.modRevision;
    if (bytes > maxReportBytes && startsRevision) return at;
  }
  return events.length;
}

function sizeOf(kv: KeyValue | undefined): number {
  return kv === undefined ? 0 : kv.key.length + kv.value.length;
}
