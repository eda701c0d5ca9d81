import { type WatchCreateRequest, type WatchRequest, WatchResponse } from "../../gen/etcd/api/etcdserverpb/rpc.ts";
import { compacted } from "./etcd-errors.ts";
import { fullHeader, type Member } from "./header.ts";
import { isEmpty, rangeFrom } from "./key-range.ts";
import type { Store } from "./store.ts";
import { createWatcher, type Watcher } from "./watcher.ts";

/** The watches of one stream. */
export interface Watches {
  /** Does what a request asks for; a request that changes nothing has no answer. */
  answer(request: WatchRequest): WatchResponse | undefined;
  /** What there is to say now, at most one report of each watch. */
  reports(): Iterable<WatchResponse>;
  /** Time has passed: a watch that has been silent since the last tick says how far it is, if it was asked to. */
  tick(): void;
}

export interface WatchesOptions {
  /** Watches on one stream; 10,000 by default. */
  readonly maxWatches?: number | undefined;
}

/** The id in replies that belong to no watch, or to all of them. */
const noWatch = -1n;
const smallestKey = Uint8Array.of(0);

export function createWatches(store: Store, member: Member, { maxWatches = 10_000 }: WatchesOptions = {}): Watches {
  const watchers = new Map<bigint, Watcher>();
  const heard = new Set<Watcher>();
  let nextId = 0n;
  let progressAsked = false;
  let ticked = false;

  const reply = (watchId: bigint, revision: bigint, rest: Partial<WatchResponse> = {}): WatchResponse => ({
    ...WatchResponse.fromPartial({}),
    ...rest,
    header: fullHeader(member, revision),
    watchId,
  });
  const refuse = (cancelReason: string): WatchResponse =>
    reply(noWatch, store.revision, { created: true, canceled: true, cancelReason });

  function freeId(): bigint {
    while (watchers.has(nextId)) nextId++;
    return nextId++;
  }

  function create(asked: WatchCreateRequest): WatchResponse {
    const request = asked.key.length === 0 ? { ...asked, key: smallestKey } : asked;
    if (request.startRevision < 0n) return refuse(compacted().message);
    if (isEmpty(rangeFrom(request.key, request.rangeEnd))) return refuse("mvcc: watcher range is empty");
    if (watchers.size >= maxWatches) return refuse(`etcdserver: a stream may have ${maxWatches} watches`);
    const id = request.watchId === 0n ? freeId() : request.watchId;
    if (watchers.has(id)) return refuse("mvcc: duplicate watch ID provided on the WatchStream");
    watchers.set(id, createWatcher(store, id, request));
    return reply(id, store.revision, { created: true });
  }

  function report(watcher: Watcher): WatchResponse | undefined {
    const found = watcher.next();
    if (found === undefined) return undefined;
    const { revision, ...rest } = found;
    heard.add(watcher);
    if (rest.canceled) watchers.delete(watcher.id);
    return reply(watcher.id, revision, rest);
  }

  /** A watch that has not begun is left out: its client would take the revision for its own and go back to it. */
  function* progress(): Generator<WatchResponse> {
    const all = [...watchers.values()];
    if (progressAsked && all.every(({ upToDate }) => upToDate)) yield reply(noWatch, store.revision);
    progressAsked = false;
    if (!ticked) return;
    ticked = false;
    const silent = all.filter((watcher) => watcher.notifiesProgress && watcher.upToDate && !heard.has(watcher));
    heard.clear();
    for (const { id } of silent) yield reply(id, store.revision);
  }

  return {
    answer({ requestUnion: asked }) {
      if (asked?.$case === "createRequest") return create(asked.value);
      if (asked?.$case === "progressRequest") progressAsked = true;
      if (asked?.$case !== "cancelRequest" || !watchers.delete(asked.value.watchId)) return undefined;
      return reply(asked.value.watchId, store.revision, { canceled: true });
    },
    *reports() {
      let silent = true;
      for (const watcher of [...watchers.values()]) {
        const response = report(watcher);
        if (response === undefined) continue;
        silent = false;
        yield response;
      }
      if (silent) yield* progress();
    },
    tick() {
      ticked = true;
    },
  };
}
