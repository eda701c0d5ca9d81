import { isBuiltIn } from "../core/built-in.ts";
import type { Call, Handler, Interceptor, Reply } from "../core/call.ts";
import { type Clock, LONGEST_TIMER_MS, systemClock } from "../core/clock.ts";
import { Code } from "../core/code.ts";
import { createFacts, type Facts } from "../core/facts.ts";
import type { Logger } from "../core/logger.ts";
import type { Method } from "../core/method.ts";
import { atLeast, between, checkRanges, type NumberRange, numberFrom } from "../core/number-range.ts";
import { checkKinds, logger as loggerKind } from "../core/option-kinds.ts";
import { checkNames, type OptionNames } from "../core/option-names.ts";
import { RpcError } from "../core/rpc-error.ts";
import { SERVED } from "../core/served.ts";
import { createAbandoned } from "./abandoned.ts";
import type { AdaptiveLimitOptions } from "./adaptive-limit.ts";
import { type CallerOf, callerOfConnection, callerOfKind } from "./caller.ts";
import { createGauge } from "./gauge.ts";
import type { LoopDelay } from "./loop-delay.ts";
import { refusal } from "./refusal.ts";
import { createShares, type Share } from "./shares.ts";
import { createTurnedAway } from "./turned-away.ts";
import { createWaitingLine, tooLate } from "./waiting-line.ts";

export interface ConcurrencyLimitOptions extends AdaptiveLimitOptions {
  /** Milliseconds by which the event loop may be late on average before the limit falls; 50 by default. */
  readonly maxLoopDelayMs?: number | undefined;
  /**
   * Calls that may wait while the server is full; 1,000 by default. 0 refuses at once: then a place is kept for a while
   * for each caller that was refused, from those that have their share.
   */
  readonly maxWaiting?: number | undefined;
  /** Milliseconds that a call may wait; 200 by default. */
  readonly maxWaitMs?: number | undefined;
  /** Who calls, as for `rateLimit`: while the server is full each caller has its share of it. */
  readonly callerOf?: CallerOf | undefined;
  /** Milliseconds that a client is asked to wait before it tries again, half to one and a half times; 200 by default. */
  readonly pushbackMs?: number | undefined;
  /** In place of its server's. */
  readonly logger?: Logger | undefined;
  readonly clock?: Clock | undefined;
  /** A random number from 0 to 1; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
  /** The delay of this thread's event loop by default. */
  readonly loopDelay?: LoopDelay | undefined;
}

const ranges: { readonly [K in keyof ConcurrencyLimitOptions]?: NumberRange } = {
  initialLimit: between(1, Number.MAX_SAFE_INTEGER),
  minLimit: between(1, Number.MAX_SAFE_INTEGER),
  maxLimit: atLeast(1),
  // Under 1 the limit falls though nothing is slow.
  tolerance: numberFrom(1),
  maxLoopDelayMs: numberFrom(1),
  maxWaiting: atLeast(0),
  maxWaitMs: numberFrom(0, { most: LONGEST_TIMER_MS }),
  pushbackMs: numberFrom(0, { most: LONGEST_TIMER_MS }),
};

const names: OptionNames<ConcurrencyLimitOptions> = {
  initialLimit: true,
  minLimit: true,
  maxLimit: true,
  tolerance: true,
  maxLoopDelayMs: true,
  maxWaiting: true,
  maxWaitMs: true,
  callerOf: true,
  pushbackMs: true,
  logger: true,
  clock: true,
  random: true,
  loopDelay: true,
};

/** Figures for metrics. */
export interface ConcurrencyStats {
  /** Calls that may be under way now. */
  readonly limit: number;
  readonly inflight: number;
  readonly waiting: number;
  /** Handlers that go on though their calls are over. Their slots have been given back. */
  readonly abandoned: number;
  /** Since the beginning. */
  readonly admitted: number;
  readonly refused: number;
}

export type ConcurrencyLimit = Interceptor & { stats(): ConcurrencyStats };

/** For so long, in milliseconds, a caller that was refused is expected back at least. */
const leastKeptMs = 1_000;

/** Errors that are made once and used again: under overload most calls are refused, and a stack costs microseconds. */
const refusals = 16;

/**
 * A server interceptor that admits what the server can do now, holds a short line for bursts, and refuses the rest
 * before any work: UNAVAILABLE, so that a retry may find a server with room, with `grpc-retry-pushback-ms`. Stands
 * outermost, so that a refused call costs nothing. One limit holds for all methods together; health and reflection are
 * outside it. While it is full the next call is one of the caller that has the least under way, so that one that floods
 * the server takes no more than what the others leave.
 *
 * The limit follows how slow calls have become and how late the event loop is; see `adaptive-limit.ts`. A slot is given
 * back at the end of a turn of the event loop. Handlers that never wait are so counted together: each ends before the
 * next one starts, and still they keep the loop from everything else. A stream counts in the turn in which it starts
 * and no longer: how long it lasts is its client's affair. The slot of a call whose deadline passes, or that is cancelled,
 * is given back then: nobody waits for what its handler still does. Handlers that go on are logged.
 *
 * @throws TypeError that names an option that cannot be, and what it can be
 */
export function concurrencyLimit(options: ConcurrencyLimitOptions = {}): ConcurrencyLimit {
  checkNames(options, names, "concurrencyLimit");
  checkRanges(options, ranges);
  checkKinds(options, { callerOf: callerOfKind, logger: loggerKind });
  const { maxLoopDelayMs = 50, maxWaiting = 1_000, maxWaitMs = 200, pushbackMs = 200 } = options;
  const { logger, clock = systemClock, random = Math.random, callerOf = callerOfConnection } = options;
  const gauge = createGauge({ ...options, maxLoopDelayMs }, clock.now());
  const shares = createShares();
  const turnedAway =
    maxWaiting === 0 ? createTurnedAway({ shares, keepMs: Math.max(leastKeptMs, 2 * pushbackMs) }) : undefined;
  const line = createWaitingLine({ maxLength: maxWaiting, maxWaitMs, shares, clock, refuse, told: () => facts });
  let facts = createFacts({ logger });
  const abandoned = createAbandoned(clock, () => facts);
  const errors = Array.from({ length: refusals }, () =>
    refusal(Code.UNAVAILABLE, "the server has as much to do as it can", pushbackMs * (0.5 + random())),
  );
  /** Of the streams that started in this turn. */
  const streaming: Share[] = [];
  let inflight = 0;
  let givenBack = 0;
  let admitted = 0;
  let refused = 0;
  let full = false;
  /** When something first happened in this turn of the event loop. */
  let turnBeganMs: number | undefined;

  function tellRefused({ method, caller }: Call): void {
    const reason = "the server is full";
    facts.on["limit-refused"]?.({ limit: "concurrency", method: method.path, caller: caller?.address, reason });
  }

  function refuse(): RpcError {
    refused++;
    return errors[refused % refusals] as RpcError;
  }

  function inTurn(nowMs: number): void {
    if (turnBeganMs !== undefined) return;
    turnBeganMs = nowMs;
    setImmediate(endTurn, nowMs);
  }

  function endTurn(beganMs: number): void {
    turnBeganMs = undefined;
    inflight -= givenBack;
    givenBack = 0;
    for (const share of streaming.splice(0)) leave(share);
    const nowMs = clock.now();
    note(gauge.turnEnded(nowMs, nowMs - beganMs, inflight));
    while (line.length > 0 && inflight < gauge.limit) line.next()?.start();
  }

  function note(isFull: boolean | undefined): void {
    if (isFull === undefined || isFull === full) return;
    full = isFull;
    const fields = { limit: Math.floor(gauge.limit), refused };
    facts.on[full ? "limit-full" : "limit-free"]?.(fields);
  }

  function start(call: Call, share: Share, next: Handler): Promise<Reply> {
    const startedMs = clock.now();
    inTurn(startedMs);
    inflight++;
    share.inflight++;
    admitted++;
    gauge.started(inflight);
    const { method } = call;
    if (method.requestStream || method.responseStream) {
      streaming.push(share);
      givenBack++;
      return run(call, next);
    }
    const ended = holdSlot(call, share, startedMs);
    return run(call, next).then(
      (given) => {
        ended(undefined);
        return given;
      },
      (error) => {
        ended(error);
        throw error;
      },
    );
  }

  /** Returns what is to be called when its handler is done. The slot comes back then, or when the call is over before. */
  function holdSlot({ method, cancellation }: Call, share: Share, startedMs: number): (error: unknown) => void {
    let held = true;
    let strikeOff: (() => void) | undefined;

    function giveBack(error: unknown): void {
      held = false;
      const nowMs = clock.now();
      inTurn(nowMs);
      givenBack++;
      leave(share);
      // A call that failed tells nothing of the speed, unless it failed for being slow.
      const tells = error === undefined || (RpcError.is(error) && error.code === Code.DEADLINE_EXCEEDED);
      if (tells) gauge.answered(method, startedMs, nowMs);
    }

    cancellation?.onCancel((reason) => {
      if (!held) return;
      giveBack(reason);
      strikeOff = abandoned.add(method);
    });
    return (error) => {
      if (held) giveBack(error);
      else strikeOff?.();
    };
  }

  function leave(share: Share): void {
    share.inflight--;
    shares.shrunk(share);
  }

  function admit(call: Call, next: Handler): Promise<Reply> {
    const over = call.cancellation?.reason ?? (call.deadline <= clock.now() ? tooLate(call) : undefined);
    if (over !== undefined) return Promise.reject(over);
    const share = shares.of(callerOf(call));
    const hasRoom = inflight < gauge.limit && line.length === 0;
    if (hasRoom && turnedAway?.mustLeave(share, gauge.limit, inflight, clock.now()) !== true) {
      const reply = start(call, share, next);
      turnedAway?.admitted(share, clock.now());
      return reply;
    }
    gauge.turnedAway();
    const waiting = line.join(call, share, () => start(call, share, next));
    if (waiting !== undefined) return waiting;
    turnedAway?.add(share, clock.now());
    shares.shrunk(share);
    tellRefused(call);
    return Promise.reject(refuse());
  }

  const interceptor: Interceptor = (next) => (call) => (isBuiltIn(call.method) ? next(call) : admit(call, next));
  return Object.assign(interceptor, {
    [SERVED](_methods: readonly Method[], servers: Facts) {
      facts = servers.loggedBy(logger);
    },
    stats: () => ({
      limit: Math.floor(gauge.limit),
      inflight,
      waiting: line.length,
      abandoned: abandoned.size,
      admitted,
      refused,
    }),
  });
}

/** An interceptor further in may throw at once; its slot must come back all the same. */
function run(call: Call, next: Handler): Promise<Reply> {
  try {
    return Promise.resolve(next(call));
  } catch (error) {
    return Promise.reject(error);
  }
}
