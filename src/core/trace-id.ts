import type { Metadata } from "./metadata.ts";

/** The id of the trace that goes with a call, as W3C has it: https://www.w3.org/TR/trace-context/#traceparent-header */
export function traceIdOf(metadata: Metadata): string | undefined {
  const [, id] = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-/.exec(metadata.get("traceparent") ?? "") ?? [];
  return id;
}
