import type { ExplainedCall, ListCallsRequest } from "../../gen/trunkline/admin/v1/admin.ts";
import type { CallRecord } from "../core/call-record.ts";
import { explainCall } from "../core/explain-call.ts";
import { servedName } from "../core/served.ts";
import type { Recorder } from "../observe/recorder.ts";
import { durationOf, timestampOf } from "./times.ts";

const DEFAULT_LIMIT = 50;
const MOST_LISTED = 500;

/** The calls that a request asks for, the last first. */
export function listedCalls(calls: Recorder, { id, method, limit }: ListCallsRequest): ExplainedCall[] {
  const named = servedName(method);
  const fits = (record: CallRecord) =>
    named === "" || record.method === named || record.method.startsWith(`/${named}/`);
  return (id === "" ? calls.recent() : calls.find(id))
    .filter(fits)
    .slice(0, Math.min(limit || DEFAULT_LIMIT, MOST_LISTED))
    .map(explained);
}

function explained(record: CallRecord): ExplainedCall {
  const { id, trace = "", side, method, code, message, endedAt, tookMs } = record;
  return {
    id,
    traceId: trace,
    side,
    method,
    code,
    message,
    endedAt: timestampOf(Date.parse(endedAt)),
    took: tookMs === undefined ? undefined : durationOf(tookMs),
    explanation: explainCall(record),
    record: JSON.stringify(record),
  };
}
