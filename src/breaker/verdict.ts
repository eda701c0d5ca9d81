import { Code, type CodeName } from "../core/code.ts";
import { RETRY_PUSHBACK } from "../core/pushback.ts";
import { RpcError } from "../core/rpc-error.ts";

/**
 * What a failed call says of the peer.
 * - `fault`: the server is at fault.
 * - `answered`: the server did its work, and the error is the caller's affair.
 * - `nothing`: the call was not the peer's to fail.
 */
export type Verdict = "fault" | "answered" | "nothing";

/**
 * Codes that are the server's fault: go-zero's list without two. UNIMPLEMENTED does not count, since an older server in
 * a rolling upgrade is not a sick one. RESOURCE_EXHAUSTED does not, since a server that sheds load is doing well, and to
 * open its circuit would move the load onto the others. UNKNOWN is not on the list either: it is what a handler's own
 * exception becomes, and one bad request, sent again and again, must not take out one server after the other.
 */
export const SERVER_FAULTS: readonly CodeName[] = ["DEADLINE_EXCEEDED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"];

/** How long a call took. */
export interface Took {
  readonly elapsedMs: number;
  /** Since its deadline; below 0 where that has not passed. */
  readonly lateMs: number;
}

/** A timer is a few milliseconds late, and the backstop of a client 20. */
const mostLateMs = 50;

/**
 * Judges an error.
 * - The caller's own cancellation says nothing, and no more does what was done wrong on this side (`local`).
 * - Nor does an attempt that no server took up (`unprocessed`): the connection's state already keeps calls away.
 * - Nor does a deadline that left the server less than `fairTimeMs`, whoever noticed that it had passed; nor one that was
 *   noticed late, since this process stood still, and the answer may have come.
 * - A refusal with pushback is an answer: the server lives, and says when to come back.
 */
export function judge(error: unknown, took: Took, faults: ReadonlySet<string>, fairTimeMs: number): Verdict {
  if (!RpcError.is(error) || error.unprocessed || error.local || error.code === Code.CANCELLED) return "nothing";
  if (!faults.has(error.codeName)) return "answered";
  if (error.code === Code.DEADLINE_EXCEEDED && (took.elapsedMs < fairTimeMs || took.lateMs > mostLateMs))
    return "nothing";
  return error.metadata.has(RETRY_PUSHBACK) ? "answered" : "fault";
}
