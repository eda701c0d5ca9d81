import { Call } from "../core/call.ts";
import { checkMessage } from "../core/check-message.ts";
import { Code } from "../core/code.ts";
import { currentCall } from "../core/context.ts";
import { deadlineAfter, NEVER } from "../core/deadline.ts";
import { Metadata } from "../core/metadata.ts";
import type { Method } from "../core/method.ts";
import type { Policy } from "../core/policies.ts";
import { RpcError } from "../core/rpc-error.ts";
import { Scope } from "../core/scope.ts";
import { partialFailure } from "../transport/message.ts";
import { type CallOptions, checkCallOptions } from "./call-options.ts";
import { RequestStream } from "./request-stream.ts";

type AnyOptions = CallOptions<"IDEMPOTENT">;

/** What holds of a method's calls where they do not say. */
export type CallDefaults = Pick<Policy, "timeoutMs" | "waitForReady">;

/**
 * Makes the call that a user asked for. Inside a handler it inherits what is left of the deadline, and the
 * cancellation, of the call that is being answered. It has a scope, to be ended by `inScope`, where anything but its
 * deadline can end it; where not (`direct`, and one message for one) it is made without.
 * @throws RpcError INVALID_ARGUMENT for what cannot be sent
 */
export function makeCall(
  method: Method,
  request: any,
  defaults: CallDefaults,
  options: AnyOptions | undefined,
  direct = false,
): Call {
  let message: unknown;
  try {
    message = method.requestStream ? new RequestStream(method, request) : wholeRequest(method, request);
    const parent = currentCall();
    const { waitForReady } = defaults;
    const plain = direct && method.kind === "unary";
    if (plain && options === undefined && parent === undefined) {
      return new Call({ method, request: message, deadline: deadlineAfter(defaults.timeoutMs), waitForReady });
    }
    if (options !== undefined) checkCallOptions(options);
    const ownDeadline = deadlineAfter(options?.timeoutMs ?? defaults.timeoutMs);
    const bare = plain && options?.signal === undefined && parent?.cancellation === undefined;
    return new Call({
      method,
      request: message,
      metadata: Metadata.from(options?.metadata),
      deadline: Math.min(ownDeadline, parent?.deadline ?? NEVER),
      cancellation: bare ? undefined : new Scope(options?.signal, parent?.cancellation),
      policy: policyOf(options),
      waitForReady: options?.waitForReady ?? waitForReady,
    });
  } catch (cause) {
    if (message instanceof RequestStream) message.release();
    if (RpcError.is(cause)) throw cause;
    const why = `${method.path}: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new RpcError(Code.INVALID_ARGUMENT, why, { cause, local: true, method: method.path });
  }
}

function wholeRequest(method: Method, request: unknown): unknown {
  checkMessage(request, "the request", method.request);
  try {
    return method.request.fromPartial(request as never);
  } catch (cause) {
    throw partialFailure(method, "request", request, cause);
  }
}

function policyOf(options: AnyOptions | undefined): Call["policy"] {
  if (options?.retry === undefined && options?.hedge === undefined) return undefined;
  const { retry, hedge } = options;
  return { ...(retry !== undefined && { retry }), ...(hedge !== undefined && { hedge }) };
}
