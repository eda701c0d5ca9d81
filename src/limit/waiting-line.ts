import type { Call, Reply } from "../core/call.ts";
import type { Clock } from "../core/clock.ts";
import { Code } from "../core/code.ts";
import { inThisContext } from "../core/context.ts";
import type { Facts } from "../core/facts.ts";
import { RpcError } from "../core/rpc-error.ts";
import { createFairQueue, type Queued } from "./fair-queue.ts";
import type { Share, Shares } from "./shares.ts";

/** A call that waits until it may start. */
export interface Waiting extends Queued {
  readonly call: Call;
  readonly sinceMs: number;
  readonly start: () => void;
  readonly reject: (error: RpcError) => void;
}

export interface WaitingLineOptions {
  readonly maxLength: number;
  readonly maxWaitMs: number;
  readonly shares: Shares;
  readonly clock: Clock;
  readonly refuse: () => RpcError;
  readonly told: () => Facts;
}

/** A short line before a full server. */
export interface WaitingLine {
  readonly length: number;
  /** `undefined` where the line is full. */
  join(call: Call, share: Share, start: () => Promise<Reply>): Promise<Reply> | undefined;
  /** The next that is still worth starting, to be started at once; what is not is told so. */
  next(): Waiting | undefined;
}

/** In a line that does not empty, what has waited for this part of `maxWaitMs` is refused. */
const standingPart = 0.1;
/** A line that stood within this many times `maxWaitMs` stands again as soon as it has not been empty for that part. */
const memory = 10;

/**
 * A line that takes up a burst and does not become a standing queue, as Facebook's controlled delay with adaptive LIFO
 * has it (https://queue.acm.org/detail.cfm?id=2839461). As long as the line was empty within the last `maxWaitMs`, who
 * comes first goes first and may wait that long. Once it has stood for longer, the newest goes first, whose caller most
 * surely still waits, and the others are refused after a tenth of the time. A line that empties for a moment is not given
 * all that time anew, as CoDel goes on where it left off (RFC 8289, section 4.2). A call whose deadline has passed, or
 * that was cancelled, is dropped unrun. Whoever comes first, it is each caller's turn: see `fair-queue.ts`. In a full line
 * the caller that has most in it gives a place up to one that has less.
 */
export function createWaitingLine(options: WaitingLineOptions): WaitingLine {
  const { maxLength, maxWaitMs, shares, clock, refuse, told } = options;
  const line = createFairQueue<Waiting>(shares);
  let emptyAtMs = clock.now();
  let stoodAtMs = Number.NEGATIVE_INFINITY;
  let ticking = false;

  function standing(nowMs: number): boolean {
    const forMs = nowMs - emptyAtMs;
    if (forMs > maxWaitMs) stoodAtMs = nowMs;
    return forMs > (nowMs - stoodAtMs < memory * maxWaitMs ? standingPart : 1) * maxWaitMs;
  }

  function tick(): void {
    ticking = false;
    const nowMs = clock.now();
    const allowedMs = standing(nowMs) ? maxWaitMs * standingPart : maxWaitMs;
    line.sweep((waiting) => dropped(waiting, allowedMs, nowMs));
    note(nowMs);
    keepTicking();
  }

  // One timer for all: when it rings each is looked at. It is never late by more than a tenth.
  function keepTicking(): void {
    if (ticking || line.length === 0) return;
    ticking = true;
    clock.setTimeout(tick, maxWaitMs * standingPart, true);
  }

  function note(nowMs: number): void {
    if (line.length === 0) emptyAtMs = nowMs;
  }

  function dropped({ call, sinceMs, reject }: Waiting, allowedMs: number, nowMs: number): boolean {
    const reason = call.deadline <= nowMs ? tooLate(call) : cancelled(call);
    if (reason === undefined && nowMs - sinceMs < allowedMs) return false;
    reject(reason ?? refused(call));
    tellLeft(call, nowMs - sinceMs, false);
    return true;
  }

  function refused({ method: { path: method }, caller }: Call): RpcError {
    const reason = "it has waited for long enough";
    told().on["limit-refused"]?.({ limit: "concurrency", method, caller: caller?.address, reason });
    return refuse();
  }

  function tellLeft({ method }: Call, waitedMs: number, started: boolean): void {
    told().on["call-dequeued"]?.({ method: method.path, waiting: line.length, waitedMs, started });
  }

  function makeRoom(share: Share, nowMs: number): boolean {
    const last = line.takeOfGreediest(share, standing(nowMs));
    if (last === undefined) return false;
    last.reject(refused(last.call));
    tellLeft(last.call, nowMs - last.sinceMs, false);
    return true;
  }

  return {
    get length() {
      return line.length;
    },
    join(call, share, run) {
      const nowMs = clock.now();
      note(nowMs);
      if (line.length >= maxLength && !makeRoom(share, nowMs)) return undefined;
      const { promise, resolve, reject } = Promise.withResolvers<Reply>();
      // It is started from the turn of another call.
      const start = inThisContext(() => resolve(run()));
      line.push({ call, share, sinceMs: nowMs, start, reject });
      told().on["call-queued"]?.({ method: call.method.path, waiting: line.length });
      keepTicking();
      return promise;
    },
    next() {
      const nowMs = clock.now();
      for (let waiting = line.take(standing(nowMs)); waiting !== undefined; waiting = line.take(standing(nowMs))) {
        note(nowMs);
        if (!dropped(waiting, maxWaitMs, nowMs)) {
          tellLeft(waiting.call, nowMs - waiting.sinceMs, true);
          return waiting;
        }
        shares.shrunk(waiting.share);
      }
      return undefined;
    },
  };
}

/** DEADLINE_EXCEEDED for a call that is not begun any more. */
export function tooLate({ method }: Call): RpcError {
  return new RpcError(Code.DEADLINE_EXCEEDED, `the deadline of ${method.path} passed before the server began with it`);
}

function cancelled({ cancellation }: Call): RpcError | undefined {
  return cancellation?.reason;
}
