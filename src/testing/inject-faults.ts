import { setTimeout as sleep } from "node:timers/promises";
import type { Call, Interceptor } from "../core/call.ts";
import { Code, type CodeName } from "../core/code.ts";
import { checkNames } from "../core/option-names.ts";
import { RpcError } from "../core/rpc-error.ts";
import { simulate } from "../core/simulated.ts";

export interface FaultOptions {
  /** The share of calls that fail, from 0 to 1; 0 by default. */
  readonly failShare?: number | undefined;
  /** What they fail with; UNAVAILABLE by default. */
  readonly code?: CodeName | undefined;
  /** Milliseconds that every call is held up first; 0 by default. */
  readonly delayMs?: number | undefined;
  /** Which calls it concerns; all by default. */
  readonly only?: ((call: Call) => boolean) | undefined;
  /** From 0 to 1, `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

/** An interceptor that makes calls slow or makes them fail, on a client (`attemptInterceptors`) or on a server. */
export function injectFaults(options: FaultOptions): Interceptor {
  checkNames(options, { failShare: true, code: true, delayMs: true, only: true, random: true }, "injectFaults");
  const { failShare = 0, code = "UNAVAILABLE", delayMs = 0, only = () => true, random = Math.random } = options;
  return (next) => async (call) => {
    if (!only(call)) return next(call);
    if (delayMs > 0) await sleep(delayMs);
    if (random() < failShare) throw simulate(new RpcError(Code[code], "a fault was injected"));
    return next(call);
  };
}
