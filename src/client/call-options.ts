import type { Metadata, MetadataInit } from "../core/metadata.ts";
import { abortSignal, checkKinds, flag, functionLike, type OptionKinds } from "../core/option-kinds.ts";
import { checkNames, type OptionNames } from "../core/option-names.ts";
import type { HedgePolicy, Idempotency, MethodPolicy, RetryPolicy } from "../core/policy.ts";
import { checkResendingNames } from "../core/policy-names.ts";
import { whatIs } from "../core/what-is.ts";

interface EveryCall {
  /** Milliseconds the call may take in all, its retries and the channel's interceptors counted; 0 is no deadline. */
  readonly timeoutMs?: number | undefined;
  /** Cancels the call, whatever it is waiting for. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Waits, until the deadline, for a server that can take the call, instead of failing with UNAVAILABLE while there is
   * none. By default what the channel's policy says, or the contract's; else false.
   */
  readonly waitForReady?: boolean | undefined;
  /** What is sent beside the request: `{ "x-tenant": "acme" }`. A key that ends with `-bin` has bytes. */
  readonly metadata?: MetadataInit | undefined;
  /** Sees what the server sent before its first message. What it throws ends the call, as it is. */
  readonly onHeader?: ((header: Metadata) => void) | undefined;
  /** Sees what the server sent after its last message. What it throws the call fails with, as it is. */
  readonly onTrailer?: ((trailer: Metadata) => void) | undefined;
}

interface ResentCall {
  /** When the call is sent again, over what the channel's policy and the contract say; `false` for never. */
  readonly retry?: RetryPolicy | false | undefined;
  /** When another server is asked as well, likewise. A call that hedges is not retried besides. */
  readonly hedge?: HedgePolicy | false | undefined;
}

declare const why: unique symbol;

/** What a call of a method that is not declared safe gets in place of a retry or a hedge. Nothing is of this type. */
interface OnlyWhereTheProtoDeclaresAnIdempotencyLevel {
  readonly [why]: "option idempotency_level = NO_SIDE_EFFECTS or IDEMPOTENT says that a method may be sent twice";
}

interface UnsafeCall {
  /** Only for a method that its `.proto` declares `NO_SIDE_EFFECTS` or `IDEMPOTENT`. */
  readonly retry?: false | OnlyWhereTheProtoDeclaresAnIdempotencyLevel | undefined;
  /** Only for a method that its `.proto` declares `NO_SIDE_EFFECTS` or `IDEMPOTENT`. */
  readonly hedge?: false | OnlyWhereTheProtoDeclaresAnIdempotencyLevel | undefined;
}

/** What one call asks for, over the channel's and the contract's policy. */
export type CallOptions<X extends Idempotency = "IDEMPOTENCY_UNKNOWN"> = EveryCall &
  (X extends "IDEMPOTENCY_UNKNOWN" ? UnsafeCall : ResentCall);

const names: OptionNames<CallOptions<"IDEMPOTENT">> = {
  timeoutMs: true,
  signal: true,
  waitForReady: true,
  metadata: true,
  onHeader: true,
  onTrailer: true,
  retry: true,
  hedge: true,
};

const kinds: OptionKinds<CallOptions<"IDEMPOTENT">> = {
  signal: abortSignal,
  waitForReady: flag,
  onHeader: functionLike("(header) => {}"),
  onTrailer: functionLike("(trailer) => {}"),
};

/** @throws TypeError that names an option that there is not, or that cannot be, and what to give */
export function checkCallOptions(options: CallOptions<"IDEMPOTENT">): void {
  checkNames(options, names, "a call");
  checkKinds(options, kinds);
  const { timeoutMs = 0 } = options;
  if (typeof timeoutMs !== "number" || Number.isNaN(timeoutMs)) {
    const given: unknown = timeoutMs;
    const shown = typeof given === "string" ? JSON.stringify(given) : typeof given === "number" ? given : whatIs(given);
    throw new TypeError(`timeoutMs is ${shown}: give a number of milliseconds, 0 for no deadline`);
  }
  if (options.retry || options.hedge) checkResendingNames(options as MethodPolicy);
}
