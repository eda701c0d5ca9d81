import { afterEach, expect, test } from "vitest";
import type { Change, EtcdClient, Listing, WatchOptions } from "../../src/registry/etcd/client.ts";
import { type FollowOptions, follow } from "../../src/registry/etcd/follow.ts";

const listing = (revision: number, clusterId = "1"): Listing => ({
  clusterId,
  revision: BigInt(revision),
  entries: [],
  truncated: false,
});
const put = (key: string): Change => ({ key, entry: { key, value: "", modRevision: "1", leaseId: "0" } });

let stop = new AbortController();
afterEach(() => stop.abort());

interface Script {
  /** The answers to `read`, the last of them again and again. */
  readonly reads: readonly (Listing | Error)[];
  readonly watch: (options: WatchOptions, nth: number) => Promise<void>;
}

/** Follows an etcd that answers by a script, and tells what was heard, in order. */
function following({ reads, watch }: Script, relistMs = 60_000) {
  stop = new AbortController();
  const heard: string[] = [];
  const watchedFrom: bigint[] = [];
  let read = 0;
  const client = {
    async read() {
      const answer = reads[Math.min(read++, reads.length - 1)];
      if (answer instanceof Error) throw answer;
      return answer;
    },
    watch(_ranges: unknown, options: WatchOptions) {
      watchedFrom.push(options.fromRevision);
      return watch(options, watchedFrom.length);
    },
  } as unknown as EtcdClient;
  const ended = Promise.withResolvers<void>();
  const options: FollowOptions = {
    client,
    ranges: [{ prefix: "a.B/" }],
    relistMs,
    signal: stop.signal,
    listed({ revision }, lostData) {
      heard.push(`listed ${revision}${lostData === undefined ? "" : `: ${lostData}`}`);
    },
    changed(changes) {
      heard.push(`changed ${changes.map(({ key }) => key)}`);
    },
    lost: (error) => heard.push(`lost: ${(error as Error).message}`),
    broken: (error) => heard.push(`broken: ${(error as Error).message}`),
  };
  void follow(options).then(ended.resolve);
  return { heard, watchedFrom, ended: ended.promise };
}

const forever = ({ signal }: WatchOptions) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));

test("watches from the revision after the list, so that nothing falls between", async () => {
  const reached = Promise.withResolvers<void>();
  const { heard, watchedFrom } = following({
    reads: [listing(41)],
    watch(options) {
      options.changed([put("x")], 42n);
      reached.resolve();
      return forever(options);
    },
  });
  await reached.promise;
  expect(watchedFrom).toEqual([42n]);
  expect(heard).toEqual(["listed 41", "changed x"]);
});

test("a watch that breaks is followed by a list, which is not a loss", async () => {
  const reached = Promise.withResolvers<void>();
  const { heard, watchedFrom } = following({
    reads: [listing(41), listing(50)],
    watch(options, nth) {
      if (nth === 1) return Promise.reject(new Error("compacted"));
      reached.resolve();
      return forever(options);
    },
  });
  await reached.promise;
  expect(heard).toEqual(["listed 41", "broken: compacted", "listed 50"]);
  expect(watchedFrom).toEqual([42n, 51n]);
});

test("a watch that has lasted its time is followed by a list", async () => {
  const reached = Promise.withResolvers<void>();
  const lasted: number[] = [];
  const { heard } = following(
    {
      reads: [listing(41)],
      watch(options, nth) {
        lasted.push(options.forMs);
        if (nth < 20) return Promise.resolve();
        reached.resolve();
        return forever(options);
      },
    },
    1_000,
  );
  await reached.promise;
  expect(heard.length).toBe(20);
  expect(Math.min(...lasted)).toBeGreaterThanOrEqual(800);
  expect(Math.max(...lasted)).toBeLessThanOrEqual(1_200);
  expect(new Set(lasted).size).toBeGreaterThan(1);
});

test("an etcd whose revision went back has lost its data, however far the watch had come", async () => {
  const reached = Promise.withResolvers<void>();
  const { heard } = following({
    reads: [listing(41), listing(45)],
    watch(options, nth) {
      options.changed([put("x")], 50n);
      if (nth === 1) return Promise.reject(new Error("broke"));
      reached.resolve();
      return forever(options);
    },
  });
  await reached.promise;
  expect(heard[3]).toBe("listed 45: etcd has lost data (revision 45, it was at 50)");
});

test("an etcd with another id has lost its data", async () => {
  const reached = Promise.withResolvers<void>();
  const { heard } = following({
    reads: [listing(41), listing(99, "2")],
    watch(options, nth) {
      if (nth === 1) return Promise.reject(new Error("broke"));
      reached.resolve();
      return forever(options);
    },
  });
  await reached.promise;
  expect(heard[2]).toBe("listed 99: etcd is another cluster (2, it was 1)");
});

test("where watching fails for ever and listing works, it lists every few seconds and never in a hot loop", async () => {
  const { heard } = following({
    reads: [listing(41)],
    watch: () => Promise.reject(new Error("permission denied")),
  });
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const lists = heard.filter((line) => line.startsWith("listed")).length;
  expect(lists).toBeGreaterThanOrEqual(3);
  expect(lists).toBeLessThanOrEqual(8);
});

test("stops when it is told to, in a wait as in a watch", async () => {
  const waiting = following({ reads: [new Error("away")], watch: forever });
  stop.abort();
  await waiting.ended;
  const watching = following({ reads: [listing(1)], watch: forever });
  await Promise.resolve();
  stop.abort();
  await watching.ended;
  expect(watching.heard.length).toBeLessThanOrEqual(1);
});
