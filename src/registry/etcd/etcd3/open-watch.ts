import type { Duplex } from "node:stream";
import type { IWatchCreateRequest, IWatchRequest, IWatchResponse } from "etcd3";
import { timer } from "../timer.ts";
import { describeCancelled } from "../wire.ts";

/** etcd3's type of a stream leaves out that it is one of Node's. */
type WatchStream = Pick<Duplex, "on" | "removeAllListeners" | "pause" | "resume"> & {
  write(request: IWatchRequest): unknown;
  cancel(): void;
};

export interface OpenWatchOptions {
  readonly requests: readonly IWatchCreateRequest[];
  /** Milliseconds that etcd has to confirm the watches. */
  readonly confirmMs: number;
  /** Milliseconds after which the watch has done its duty. */
  readonly forMs: number;
  readonly signal: AbortSignal;
  /** No more is read until it has resolved. */
  readonly received: (response: IWatchResponse) => void | Promise<void>;
}

/**
 * Watches on a fresh stream. Resolves after `forMs` or when the signal aborts; rejects when etcd cancels a watch (its
 * start was compacted, the user may not), does not confirm it, or the stream breaks.
 */
export function openWatch(etcdStream: object, options: OpenWatchOptions): Promise<void> {
  const stream = etcdStream as WatchStream;
  const { requests, confirmMs, forMs, signal, received } = options;
  return new Promise((resolve, reject) => {
    let unconfirmed = requests.length;

    const settle = (error?: Error) => {
      clearTimeout(over);
      clearTimeout(unconfirmedFor);
      signal.removeEventListener("abort", done);
      // Without its listeners etcd3 would count the end of this stream as a fault of the host and drop its connections.
      if (unconfirmed === 0 || error === undefined) stream.removeAllListeners("error");
      stream.removeAllListeners("data").on("error", () => {});
      stream.cancel();
      if (error === undefined) resolve();
      else reject(error);
    };
    const done = () => settle();
    const over = timer(forMs, done);
    const unconfirmedFor = setTimeout(
      () => settle(new Error(`etcd did not confirm a watch within ${confirmMs} ms`)),
      confirmMs,
    ).unref();

    const take = async (response: IWatchResponse) => {
      stream.pause();
      try {
        await received(response);
        stream.resume();
      } catch (error) {
        settle(new Error("etcd sent a watch something that cannot be read", { cause: error }));
      }
    };

    stream.on("data", (response: IWatchResponse) => {
      if (response.canceled) {
        const { compact_revision, cancel_reason } = response;
        return settle(new Error(describeCancelled(BigInt(compact_revision), cancel_reason)));
      }
      if (response.created && --unconfirmed === 0) clearTimeout(unconfirmedFor);
      if (response.events.length > 0) void take(response);
    });
    stream.on("error", (error: Error) => settle(error));
    stream.on("end", () => settle(new Error("etcd ended a watch")));
    signal.addEventListener("abort", done);
    if (signal.aborted) return done();
    for (const create_request of requests) stream.write({ create_request });
  });
}
