import type { Call, Interceptor } from "../core/call.ts";
import { LONGEST_TIMER_MS, systemClock } from "../core/clock.ts";
import { Code, type CodeName } from "../core/code.ts";
import { checkRanges, numberFrom } from "../core/number-range.ts";
import { checkNames } from "../core/option-names.ts";
import { RpcError } from "../core/rpc-error.ts";
import { simulate } from "../core/simulated.ts";
import { pause } from "../retry/pause.ts";

export interface FaultOptions {
  /** The share of calls that fail, from 0 to 1; 0 by default. */
  readonly failShare?: number | undefined;
  /** What they fail with; UNAVAILABLE by default. */
  readonly code?: CodeName | undefined;
  /** Milliseconds that every call is held up first, and no longer than it lasts; 0 by default. */
  readonly delayMs?: number | undefined;
  /** Which calls it concerns; all by default. */
  readonly only?: ((call: Call) => boolean) | undefined;
  /** From 0 to 1, `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

/**
 * An interceptor that makes calls slow or makes them fail, on a client (`attemptInterceptors`) or on a server.
 * @throws TypeError that names the option that there is not, or that cannot be
 */
export function injectFaults(options: FaultOptions): Interceptor {
  checkNames(options, { failShare: true, code: true, delayMs: true, only: true, random: true }, "injectFaults");
  checkRanges(options, { failShare: numberFrom(0, { most: 1 }), delayMs: numberFrom(0, { most: LONGEST_TIMER_MS }) });
  const { failShare = 0, code = "UNAVAILABLE", delayMs = 0, only = () => true, random = Math.random } = options;
  if (!Object.hasOwn(Code, code))
    throw new TypeError(`code is ${JSON.stringify(code)}: give the name of a status code`);
  return (next) => async (call) => {
    if (!only(call)) return next(call);
    if (delayMs > 0) await pause(call, delayMs, systemClock);
    if (random() < failShare) throw simulate(new RpcError(Code[code], "a fault was injected"));
    return next(call);
  };
}
