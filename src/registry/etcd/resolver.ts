import { systemClock } from "../../core/clock.ts";
import type { Facts } from "../../core/facts.ts";
import { createPace } from "../../core/pace.ts";
import type { Snapshot } from "../registry.ts";
import { type Book, createBook } from "./book.ts";
import { type EtcdClient, maxEntries, maxListedBytes } from "./client.ts";
import { describe } from "./describe.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { createDoubt } from "./doubt.ts";
import { follow } from "./follow.ts";
import type { Outage } from "./outage.ts";

export interface ResolveOptions {
  readonly client: EtcdClient;
  readonly service: string;
  readonly dialects: readonly Dialect[];
  readonly relistMs: number;
  readonly doubtMs: number;
  readonly outage: Outage;
  readonly facts: Facts;
  readonly signal: AbortSignal;
  readonly report: (snapshot: Snapshot) => void;
}

/** Reports a service's snapshots until the signal aborts. */
export function resolveService(options: ResolveOptions): void {
  const { client, service, dialects, relistMs, doubtMs, outage, facts, signal, report } = options;
  const book = createBook({ service, dialects, facts, signal });
  let last: Snapshot | undefined;
  /** Why the list cannot be had; `undefined` while it can. */
  let away: string | undefined;
  /** A watch may be over while the last of it is still read: what the list after it says comes behind that. */
  let work: Promise<void> = Promise.resolve();
  const inOrder = (step: () => Promise<void>) => {
    work = work.then(step, step);
    return work;
  };
  const doubt = createDoubt({ doubtMs, isAway: () => away !== undefined, over: () => void tell() });

  const tell = () => {
    const endpoints = doubt.with(book.endpoints());
    const reason = away ?? doubt.reason;
    outage.report(service, reason);
    // Before the first list nothing is known, and it stays `unknown` until there has been one.
    const failed = last === undefined || last.state === "unknown" ? "unknown" : "stale";
    const known = { endpoints, ...missing(book) };
    last = reason === undefined ? { ...known, state: "current" } : { ...known, state: failed, reason };
    facts.on["service-resolved"]?.({ service, endpoints: endpoints.length, state: last.state });
    report(last);
    // Whoever listens may go through them.
    return endpoints.length;
  };
  const telling = createPace(tell, systemClock);

  const prefixes = new Set(dialects.map((dialect) => dialect.prefix(service)));
  const ended = follow({
    client,
    ranges: [...prefixes].map((prefix) => ({ prefix })),
    relistMs,
    signal,
    listed: (listing, lostData) =>
      inOrder(async () => {
        if (lostData !== undefined) {
          facts.on["registry-doubted"]?.({ service, reason: lostData });
          doubt.begin(lostData, book.endpoints());
        }
        const changed = await book.replace(listing);
        if (signal.aborted) return;
        const back = away !== undefined;
        away = undefined;
        if (changed || back || lostData !== undefined || last === undefined) tell();
      }),
    changed: (changes) =>
      inOrder(async () => {
        if (await book.apply(changes)) telling.ask();
      }),
    lost(error) {
      const reason = describe(error);
      if (reason === away) return;
      away = reason;
      tell();
    },
    broken: (error) => facts.on["watch-broke"]?.({ service, reason: describe(error) }),
  });
  void ended.then(() => {
    telling.stop();
    doubt.end();
    outage.forget(service);
  });
}

/** What of the entries is not in the list, in words. */
function missing({ unreadable, isCut }: Book): Pick<Snapshot, "incomplete"> {
  const parts: string[] = [];
  if (unreadable > 0) parts.push(unreadable === 1 ? "1 entry cannot be read" : `${unreadable} entries cannot be read`);
  if (isCut) parts.push(`there are more than ${maxEntries} entries or ${maxListedBytes} bytes`);
  return parts.length === 0 ? {} : { incomplete: parts.join("; ") };
}
