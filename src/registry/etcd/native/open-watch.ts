import type { WatchCreateRequest, WatchRequest, WatchResponse } from "../../../../gen/etcd/api/etcdserverpb/rpc.ts";
import { Event_EventType } from "../../../../gen/etcd/api/mvccpb/kv.ts";
import { NEVER } from "../../../core/deadline.ts";
import type { MessageInit } from "../../../core/message.ts";
import { timer } from "../timer.ts";
import { describeCancelled, type WireEvent, type WireWatch } from "../wire.ts";
import type { AskOptions } from "./ask.ts";
import type { CallLimits } from "./calls.ts";
import type { Host, Hosts } from "./hosts.ts";
import { storedOf } from "./stored.ts";

export interface OpenWatchOptions extends AskOptions {
  readonly hosts: Hosts;
  readonly open: (
    requests: AsyncIterable<MessageInit<WatchRequest>>,
    host: Host,
    limits: CallLimits,
  ) => Promise<AsyncIterable<WatchResponse>>;
}

/**
 * Watches at the first host that confirms it: each has `hedgeMs` for that, the last of them `callTimeoutMs`. Resolves
 * when the watch has lasted or its signal aborts; rejects when etcd cancels it (its start was compacted, the user may
 * not), when no host confirms it, when the stream breaks or its host falls silent.
 */
export async function openWatch(watch: WireWatch, options: OpenWatchOptions): Promise<void> {
  const { hosts, hedgeMs, callTimeoutMs } = options;
  const order = hosts.inOrder();
  for (const [i, host] of order.entries()) {
    const isLast = i === order.length - 1;
    let confirmed = false;
    const heard = () => {
      confirmed = true;
      hosts.answered(host);
    };
    try {
      return await watchAt(host, watch, { ...options, confirmMs: isLast ? callTimeoutMs : hedgeMs, heard });
    } catch (error) {
      if (confirmed || isLast || error instanceof Cancelled) throw error;
    }
  }
}

interface WatchAtOptions extends OpenWatchOptions {
  readonly confirmMs: number;
  /** The watches are confirmed. */
  readonly heard: () => void;
}

async function watchAt(host: Host, watch: WireWatch, { hosts, open, confirmMs, heard }: WatchAtOptions): Promise<void> {
  const { forMs, signal } = watch;
  if (signal.aborted) return;
  const { promise: lasted, resolve: end, reject: fail } = Promise.withResolvers<void>();
  const over = new AbortController();
  const late = () => fail(new Error(`${host.address} did not confirm a watch within ${confirmMs} ms`));
  const unconfirmed = setTimeout(late, confirmMs).unref();
  const duty = timer(forMs, end);
  // Where there is no other, a silent host may come to itself before its connection is broken.
  const stopListening = host.listen((reason) => hosts.size > 1 && fail(new Error(reason)));
  const stop = () => end();
  signal.addEventListener("abort", stop);
  const confirmed = () => {
    clearTimeout(unconfirmed);
    heard();
  };
  try {
    const requests = untilAborted(watch, over.signal);
    const read = async () =>
      follow(await open(requests, host, { signal: over.signal, deadline: NEVER }), watch, confirmed);
    await Promise.race([read(), lasted]);
  } finally {
    clearTimeout(unconfirmed);
    clearTimeout(duty);
    stopListening();
    signal.removeEventListener("abort", stop);
    over.abort();
  }
}

/** The requests for the watches; then it stays open, since etcd ends the watches of a client that has said its last. */
async function* untilAborted(watch: WireWatch, signal: AbortSignal): AsyncGenerator<MessageInit<WatchRequest>> {
  for (const { key, rangeEnd } of watch.ranges) {
    const request: MessageInit<WatchCreateRequest> = {
      key,
      rangeEnd,
      startRevision: watch.fromRevision,
      fragment: true,
    };
    yield { requestUnion: { $case: "createRequest", value: request } };
  }
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

async function follow(
  responses: AsyncIterable<WatchResponse>,
  { ranges, received }: WireWatch,
  confirmed: () => void,
): Promise<never> {
  let unconfirmed = ranges.length;
  for await (const { canceled, created, compactRevision, cancelReason, events, header } of responses) {
    if (canceled) throw new Cancelled(describeCancelled(compactRevision, cancelReason));
    if (created && --unconfirmed === 0) confirmed();
    if (events.length > 0) await received(events.map(wireEvent), header?.revision ?? 0n);
  }
  throw new Error("etcd ended a watch");
}

function wireEvent({ type, kv }: WatchResponse["events"][number]): WireEvent {
  if (kv === undefined) throw new Error("etcd sent a watch an event without a key");
  return { deleted: type === Event_EventType.DELETE, stored: storedOf(kv) };
}

/** etcd itself has ended the watch: another host would do the same. */
class Cancelled extends Error {}
