import type { AttemptRecord, CallRecord } from "../core/call-record.ts";
import { newCallId, rounded } from "../core/ending.ts";
import type { FactListeners, FactOf } from "../core/facts.ts";
import { atLeast, checkRanges, numberFrom } from "../core/number-range.ts";
import { checkNames } from "../core/option-names.ts";
import { shortened } from "../core/printable.ts";
import { RpcError } from "../core/rpc-error.ts";
import { whatWouldHelp } from "../core/what-would-help.ts";

export interface RecorderOptions {
  /** Records that are kept, the latest; 100 by default. */
  readonly size?: number | undefined;
  /** Milliseconds from which a call that went well is kept too; never by default. */
  readonly slowMs?: number | undefined;
}

/** Keeps the records of calls. An observer: `createChannel({ registry, observers: [calls] })`. */
export interface Recorder extends FactListeners {
  /** The latest first. */
  recent(): readonly CallRecord[];
  /** By the id of a call, or of a trace: the latest of its calls first. */
  find(id: string): readonly CallRecord[];
}

/**
 * Keeps the records of the calls that failed lately, and of slow ones, in memory: of a channel or a server, or of several.
 *
 * ```ts
 * const calls = recorder({ slowMs: 500 });
 * const channel = createChannel({ registry, observers: [calls] });
 * console.log(calls.recent().map(explainCall).join("\n"));
 * ```
 * @throws TypeError that names an option that cannot be
 */
export function recorder(options: RecorderOptions = {}): Recorder {
  checkNames(options, { size: true, slowMs: true }, "recorder");
  checkRanges(options, { size: atLeast(1), slowMs: numberFrom(0, { endless: true }) });
  const { size = 100, slowMs = Number.POSITIVE_INFINITY } = options;
  /** A ring: the next goes where the oldest is. */
  const kept: CallRecord[] = [];
  let next = 0;

  function recent(): readonly CallRecord[] {
    return [...kept.slice(next), ...kept.slice(0, next)].reverse();
  }

  return {
    "call-ended"(fact) {
      if (fact.error === undefined && fact.tookMs < slowMs) return;
      kept[next] = recordOf(fact);
      next = (next + 1) % size;
    },
    recent,
    find: (id) => recent().filter((record) => record.id === id || record.trace === id),
  };
}

/** Of a call that went well only the last is known. */
function attemptsOf({ side, attempts: attempt, peer, code, error }: FactOf<"call-ended">): readonly AttemptRecord[] {
  if (side === "server" || peer === undefined) return [];
  return [{ attempt, peer, code, message: shortened(error?.message ?? ""), pausedMs: 0 }];
}

/** What an ended call is remembered by: its own record where it has one, with what only its caller's side knows. */
function recordOf(fact: FactOf<"call-ended">): CallRecord {
  const { side, error, trace, caller } = fact;
  const tookMs = rounded(fact.tookMs);
  if (side === "client" && error?.record !== undefined) {
    return { ...error.record, trace: error.record.trace ?? trace, tookMs };
  }
  const cause = error?.cause;
  const record: Omit<CallRecord, "help"> = {
    id: newCallId(),
    trace,
    side,
    endedAt: new Date().toISOString(),
    method: fact.method,
    code: fact.code,
    message: shortened(error?.message ?? ""),
    tookMs,
    caller,
    attempts: attemptsOf(fact),
    because: RpcError.is(cause) ? cause.record : undefined,
  };
  return { ...record, help: whatWouldHelp(record) };
}
