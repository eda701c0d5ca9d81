import { Call } from "../core/call.ts";
import { Cancellation } from "../core/cancellation.ts";
import { Code } from "../core/code.ts";
import { currentCall } from "../core/context.ts";
import { deadlineAfter, NEVER } from "../core/deadline.ts";
import { Metadata } from "../core/metadata.ts";
import type { Method } from "../core/method.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { CallOptions } from "./call-options.ts";
import { RequestStream } from "./request-stream.ts";

type AnyOptions = CallOptions<"IDEMPOTENT">;

/**
 * Makes the call that a user asked for. Inside a handler it inherits what is left of the deadline, and the
 * cancellation, of the call that is being answered.
 * @throws RpcError INVALID_ARGUMENT for what cannot be sent
 */
export function makeCall(method: Method, request: any, timeoutMs: number, options: AnyOptions | undefined): Call {
  try {
    const message = method.requestStream
      ? new RequestStream(method.path, method.request, request)
      : method.request.fromPartial(request as never);
    const parent = currentCall();
    if (options === undefined && parent === undefined) {
      return new Call({ method, request: message, deadline: deadlineAfter(timeoutMs) });
    }
    const ownDeadline = deadlineAfter(options?.timeoutMs ?? timeoutMs);
    if (Number.isNaN(ownDeadline)) throw new TypeError("timeoutMs is not a number");
    return new Call({
      method,
      request: message,
      metadata: Metadata.from(options?.metadata),
      deadline: Math.min(ownDeadline, parent?.deadline ?? NEVER),
      cancellation: either(options?.signal, parent?.cancellation),
      policy: policyOf(options),
    });
  } catch (cause) {
    throw new RpcError(Code.INVALID_ARGUMENT, `${method.path}: ${(cause as Error).message}`, { cause });
  }
}

function either(
  signal: AbortSignal | undefined,
  inherited: AbortSignal | Cancellation | undefined,
): AbortSignal | Cancellation | undefined {
  if (signal === undefined) return inherited;
  if (inherited === undefined) return signal;
  return AbortSignal.any([signal, inherited instanceof Cancellation ? inherited.signal : inherited]);
}

function policyOf(options: AnyOptions | undefined): Call["policy"] {
  if (options?.retry === undefined && options?.hedge === undefined) return undefined;
  const { retry, hedge } = options;
  return { ...(retry !== undefined && { retry }), ...(hedge !== undefined && { hedge }) };
}
