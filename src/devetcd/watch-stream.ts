import type { WatchRequest, WatchResponse } from "../../gen/etcd/api/etcdserverpb/rpc.ts";
import type { Store } from "./store.ts";
import { createWake } from "./wake.ts";
import type { Watches } from "./watches.ts";

/**
 * Serves one stream of watches until the signal aborts. Everything happens in turn in one loop: a request is read once
 * the reply to the one before has been taken, and a report is made when it can be sent. So a client that asks much and
 * reads little holds nothing here.
 */
export async function* watchStream(
  store: Store,
  watches: Watches,
  requests: AsyncIterable<WatchRequest>,
  { signal, progressNotifyMs }: { readonly signal: AbortSignal; readonly progressNotifyMs: number },
): AsyncGenerator<WatchResponse> {
  const { wake, wait } = createWake();
  const takeRequest = readAhead(requests, wake);
  const stopListening = [store.onWrite(wake), store.onCompact(wake)];
  const ticks = setInterval(() => {
    watches.tick();
    wake();
  }, progressNotifyMs).unref();
  signal.addEventListener("abort", wake);
  try {
    while (!signal.aborted) {
      const request = takeRequest();
      const answer = request && watches.answer(request);
      if (answer !== undefined) yield answer;
      let silent = true;
      for (const report of watches.reports()) {
        silent = false;
        yield report;
      }
      if (silent && request === undefined) await wait();
    }
  } finally {
    clearInterval(ticks);
    signal.removeEventListener("abort", wake);
    for (const stop of stopListening) stop();
  }
}

/**
 * Reads one item ahead, and calls `arrived` when it is there. The returned function takes it, or throws what the stream
 * broke with. When the client has said all it wants to say its watches go on.
 */
function readAhead<T>(items: AsyncIterable<T>, arrived: () => void): () => T | undefined {
  const iterator = items[Symbol.asyncIterator]();
  let item: T | undefined;
  let failure: { readonly error: unknown } | undefined;

  async function read(): Promise<void> {
    try {
      const result = await iterator.next();
      if (result.done !== true) item = result.value;
    } catch (error) {
      failure = { error };
    }
    arrived();
  }

  void read();
  return () => {
    if (failure !== undefined) throw failure.error;
    const taken = item;
    item = undefined;
    if (taken !== undefined) void read();
    return taken;
  };
}
