import { join } from "node:path";
import type { Endpoint } from "../core/endpoint.ts";
import type { Facts } from "../core/facts.ts";
import { isObject } from "../core/json-object.ts";
import { shortened } from "../core/printable.ts";
import { checkEndpoint } from "./announcement.ts";
import { beforeExit } from "./before-exit.ts";
import { readPrivate, sweepUnfinished, writePrivate } from "./private-files.ts";

export interface SavedSnapshot {
  readonly endpoints: readonly Endpoint[];
  /** When the registry said so. */
  readonly savedAt: Date;
}

/** Lists of servers on disk. */
export interface SnapshotFiles {
  /** What was saved, where nobody else can have written it, and it is readable, not too old and not of the future. */
  load(service: string): SavedSnapshot | undefined;
  /** Returns at once; what changes within a second is written once, and before the process ends by itself. */
  save(service: string, endpoints: readonly Endpoint[]): void;
  /** Writes what is still to be written. */
  flush(): Promise<void>;
}

export interface SnapshotFilesOptions {
  readonly dir: string;
  readonly maxAgeSeconds: number;
  readonly facts: Facts;
}

/** Of endpoints that cannot be read so many are shown. */
const mostShown = 10;
const gatherMs = 1_000;
/** How far the clocks of two processes that share a folder may be apart: a file from further in the future is not believed. */
const maxSkewMs = 300_000;

export function createSnapshotFiles({ dir, maxAgeSeconds, facts }: SnapshotFilesOptions): SnapshotFiles {
  const unwritten = new Map<string, SavedSnapshot>();
  let timer: NodeJS.Timeout | undefined;
  let leaveExit = (): void => {};
  let writing = Promise.resolve();
  let isFailing = false;
  let isSwept = false;

  const pathOf = (service: string) => join(dir, `${encodeURIComponent(service)}.json`);

  const writeAll = async () => {
    const some = [...unwritten];
    unwritten.clear();
    for (const [service, snapshot] of some) {
      try {
        await writePrivate(dir, pathOf(service), JSON.stringify({ service, ...snapshot }));
        isFailing = false;
        if (isSwept) continue;
        isSwept = true;
        await sweepUnfinished(dir);
      } catch (error) {
        if (!isFailing) facts.on["snapshot-unsaved"]?.({ dir, reason: (error as Error).message });
        isFailing = true;
      }
    }
  };
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    leaveExit();
    writing = writing.then(writeAll);
    return writing;
  };
  const flushNow = () => void flush();

  return {
    load(service) {
      const file = pathOf(service);
      try {
        const { saved, problems } = parse(readPrivate(dir, file), service);
        if (problems.length > 0) {
          const shown = problems.slice(0, mostShown);
          facts.on["snapshot-incomplete"]?.({ file, leftOut: problems.length, problems: shown });
        }
        return Date.now() - saved.savedAt.getTime() > maxAgeSeconds * 1_000 ? undefined : saved;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
          facts.on["snapshot-unreadable"]?.({ file, reason: (error as Error).message });
        }
        return undefined;
      }
    },
    save(service, endpoints) {
      unwritten.set(service, { endpoints, savedAt: new Date() });
      if (timer !== undefined) return;
      timer = setTimeout(flushNow, gatherMs).unref();
      // A process that has nothing else to do is not kept for it, and does not end without it either.
      leaveExit = beforeExit(flushNow);
    },
    flush,
  };
}

/**
 * What can be read of a file, and what is wrong with each endpoint that cannot.
 * @throws Error that says what is wrong with the file
 */
function parse(text: string, service: string): { readonly saved: SavedSnapshot; readonly problems: readonly string[] } {
  const { service: of, savedAt, endpoints } = JSON.parse(text) as Record<string, unknown>;
  const date = new Date(String(savedAt));
  if (of !== service || Number.isNaN(date.getTime()) || !Array.isArray(endpoints)) {
    throw new Error(`it is no snapshot of ${service}`);
  }
  if (date.getTime() - Date.now() > maxSkewMs) throw new Error(`it says that it was saved at ${date.toISOString()}`);
  const problems: string[] = [];
  const readable = (endpoints as readonly Endpoint[]).filter((endpoint) => {
    const problem = problemOf(endpoint);
    if (problem !== undefined) problems.push(problem);
    return problem === undefined;
  });
  if (problems.length > 0 && readable.length === 0)
    throw new Error(`none of its endpoints can be read: ${problems[0]}`);
  return { saved: { endpoints: readable, savedAt: date }, problems };
}

/** What is wrong with what stands there as an endpoint; `undefined` where nothing is. */
function problemOf(endpoint: unknown): string | undefined {
  const { address, metadata } = (endpoint ?? {}) as Record<keyof Endpoint, unknown>;
  if (typeof address !== "string") return `its address is ${JSON.stringify(address) ?? "missing"}`;
  if (metadata !== undefined && !isObject(metadata)) return `the metadata of ${shortened(address)} is no object`;
  try {
    checkEndpoint(endpoint as Endpoint);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
