import { type CallSiteOptions, showCallSite } from "../core/call-site.ts";
import type { Method } from "../core/method.ts";
import { RpcError } from "../core/rpc-error.ts";

/** Writes on an error whose call it was, where it came from no wire, and who made that call. */
export function failureOf(method: Method | undefined, error: unknown, where: CallSiteOptions): unknown {
  if (!RpcError.is(error) || Object.isFrozen(error)) return error;
  error.method ??= method?.path;
  showCallSite(error, where);
  return error;
}
