import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { Call, type Handler } from "../../src/core/call.ts";
import type { Clock } from "../../src/core/clock.ts";
import {
  type ConcurrencyLimit,
  type ConcurrencyLimitOptions,
  concurrencyLimit,
} from "../../src/limit/concurrency-limit.ts";
import { reply, seeded } from "../balance/fakes.ts";
import { settled, type VirtualClock, virtualClock } from "../simulator/virtual-clock.ts";

/** What a second brought. */
export interface Second {
  readonly answered: number;
  readonly refused: number;
  /** Of the calls that were answered, in milliseconds, the time in line counted. */
  readonly p99Ms: number;
  /** The limit at its end. */
  readonly limit: number;
}

/** A server behind a limit: so many workers, each of which takes `serviceMs` for a call, give or take a half. */
export interface ServerModel {
  workers: number;
  serviceMs: number;
}

export interface LoadModel {
  /** Calls that are offered in each second. */
  readonly perSecond: readonly number[];
  /** They come in so many bursts a second; evenly, or by chance where it is 0, by default. */
  readonly burstsPerSecond?: number;
  readonly options?: ConcurrencyLimitOptions;
  /** What happens at the beginning of a second. */
  readonly events?: Readonly<Record<number, (server: ServerModel) => void>>;
}

const { echo } = Probe.methods;

/** Plays a load on a server whose calls wait for something: a database, other servers. On a virtual clock. */
export async function play(server: ServerModel, load: LoadModel): Promise<Second[]> {
  const { perSecond, burstsPerSecond = 0, events = {} } = load;
  const clock = virtualClock();
  const random = seeded();
  const { limit, handle, begin } = handlerOf(server, clock, random, load.options);
  const seconds: Second[] = [];
  const tookMs: number[] = [];
  let refused = 0;
  for (const [second, calls] of perSecond.entries()) {
    events[second]?.(server);
    begin();
    tookMs.length = refused = 0;
    const call = (): void => {
      const startedMs = clock.now();
      handle(new Call({ method: echo, request: {} })).then(
        () => tookMs.push(clock.now() - startedMs),
        () => refused++,
      );
    };
    for (let i = 0; i < calls; i++) {
      const part = burstsPerSecond === 0 ? random() : Math.floor((i / calls) * burstsPerSecond) / burstsPerSecond;
      clock.setTimeout(call, part * 1_000);
    }
    await clock.advance(1_000);
    seconds.push({ answered: tookMs.length, refused, p99Ms: p99(tookMs), limit: limit.stats().limit });
  }
  return seconds;
}

/** What one caller got done. */
export interface CallerModel {
  /** Calls that it always has under way: one that is answered is followed by the next, one that is refused too, later. */
  readonly calls: number;
}

/** Plays callers that wait for their answers, for so many seconds. Returns the calls a second that each had answered. */
export async function playCallers(
  server: ServerModel,
  callers: readonly CallerModel[],
  seconds: number,
  options?: ConcurrencyLimitOptions,
): Promise<number[]> {
  const clock = virtualClock();
  const random = seeded();
  const handle = handlerOf(server, clock, random, options).handle;
  const answered = callers.map(() => 0);
  const measureFromMs = (seconds * 1_000) / 2;
  for (const [at, { calls }] of callers.entries()) {
    const caller = { address: `10.0.0.${at}:1` };
    const call = (): void => {
      handle(new Call({ method: echo, request: {}, caller })).then(
        () => {
          if (clock.now() >= measureFromMs) answered[at] = (answered[at] as number) + 1;
          clock.setTimeout(call, 0);
        },
        () => clock.setTimeout(call, 100 + 200 * random()),
      );
    };
    for (let i = 0; i < calls; i++) clock.setTimeout(call, random() * 100);
  }
  await clock.advance(seconds * 1_000);
  return answered.map((count) => count / (seconds / 2));
}

/** The handler of a server behind a limit, and how to have it look for work again. */
function handlerOf(
  server: ServerModel,
  clock: VirtualClock,
  random: () => number,
  options?: ConcurrencyLimitOptions,
): { limit: ConcurrencyLimit; handle: Handler; begin: () => void } {
  const queue: (() => void)[] = [];
  let busy = 0;
  const begin = (): void => {
    while (busy < server.workers) {
      const run = queue.shift();
      if (run === undefined) return;
      busy++;
      run();
    }
  };
  const limit = concurrencyLimit({ clock, random, loopDelay: () => 0, ...options });
  const handle = limit(
    () =>
      new Promise((resolve) => {
        queue.push(() => {
          const finish = (): void => {
            busy--;
            resolve(reply);
            begin();
          };
          clock.setTimeout(finish, server.serviceMs * (0.5 + random()));
        });
        begin();
      }),
  );
  return { limit, handle, begin };
}

/**
 * Plays a load on a server whose handlers never wait: each keeps the thread for `costMs`. What comes while one runs is
 * read together, in the next turn of the event loop.
 */
export async function playSync(
  costMs: number,
  perSecond: readonly number[],
  options?: ConcurrencyLimitOptions,
): Promise<Second[]> {
  let nowMs = 0;
  const timers: { readonly dueMs: number; run: () => void }[] = [];
  const clock: Clock = {
    now: () => nowMs,
    setTimeout(run, delayMs) {
      const timer = { dueMs: nowMs + delayMs, run };
      timers.push(timer);
      return () => {
        timer.run = () => {};
      };
    },
  };
  const limit = concurrencyLimit({ clock, random: seeded(), loopDelay: () => 0, ...options });
  const handle = limit(async () => {
    nowMs += costMs;
    return reply;
  });
  const seconds: Second[] = [];
  const tookMs: number[] = [];
  let refused = 0;
  for (const [second, calls] of perSecond.entries()) {
    tookMs.length = refused = 0;
    let sent = 0;
    while (nowMs < (second + 1) * 1_000) {
      const beforeMs = nowMs;
      for (; sent < calls && second * 1_000 + (sent / calls) * 1_000 <= beforeMs; sent++) {
        const startedMs = second * 1_000 + (sent / calls) * 1_000;
        handle(new Call({ method: echo, request: {} })).then(
          () => tookMs.push(nowMs - startedMs),
          () => refused++,
        );
      }
      for (const due of timers.filter(({ dueMs }) => dueMs <= beforeMs)) {
        timers.splice(timers.indexOf(due), 1);
        due.run();
      }
      await settled();
      await settled();
      if (nowMs === beforeMs) nowMs += 1;
    }
    seconds.push({ answered: tookMs.length, refused, p99Ms: p99(tookMs), limit: limit.stats().limit });
  }
  return seconds;
}

function p99(tookMs: number[]): number {
  tookMs.sort((a, b) => a - b);
  return Math.round(tookMs[Math.floor(tookMs.length * 0.99)] ?? 0);
}
