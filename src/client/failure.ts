import { type CallSiteOptions, showCallSite } from "../core/call-site.ts";
import { now } from "../core/deadline.ts";
import type { Ending } from "../core/ending.ts";
import type { Method } from "../core/method.ts";
import { keepEnding, RpcError } from "../core/rpc-error.ts";

/** Writes on an error whose call it was, where it came from no wire, and who made that call. */
export function failureOf(method: Method | undefined, error: unknown, where: CallSiteOptions): unknown {
  if (!RpcError.is(error) || Object.isFrozen(error)) return error;
  error.method ??= method?.path;
  if (method !== undefined) keepEnding(error, () => endedAbove(method, error));
  showCallSite(error, where);
  return error;
}

/** The end of a call that never came to its attempts. */
function endedAbove({ path }: Method, { local }: RpcError): Ending {
  return {
    method: path,
    trace: undefined,
    date: Date.now(),
    atMs: now(),
    beganAtMs: undefined,
    leftMs: undefined,
    attempts: [],
    stopped: local ? "local" : undefined,
    budgetLeft: undefined,
    view: undefined,
  };
}
