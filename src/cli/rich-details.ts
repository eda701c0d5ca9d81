import { fromBinary, type Registry, toJsonString } from "@bufbuild/protobuf";
import type { Duration } from "../../gen/google/protobuf/duration.ts";
import {
  BadRequest,
  DebugInfo,
  ErrorInfo,
  Help,
  LocalizedMessage,
  PreconditionFailure,
  QuotaFailure,
  RequestInfo,
  ResourceInfo,
  RetryInfo,
} from "../../gen/google/rpc/error_details.ts";
import type { MessageType } from "../core/message.ts";
import type { ErrorDetail } from "../core/rpc-error.ts";

const standard: readonly MessageType<any>[] = [
  ...[BadRequest, DebugInfo, ErrorInfo, Help, LocalizedMessage],
  ...[PreconditionFailure, QuotaFailure, RequestInfo, ResourceInfo, RetryInfo],
];

/** A detail of an error in one line: its type, and its content as JSON where the type is known, else in base64. */
export function detailLine({ type, value }: ErrorDetail, registry: Registry | undefined): string {
  try {
    const schema = registry?.getMessage(type);
    if (schema !== undefined) return `${type} ${toJsonString(schema, fromBinary(schema, value), { registry })}`;
    const known = standard.find(({ $type }) => $type === type);
    if (known !== undefined) return `${type} ${JSON.stringify(known.decode(value), asProtoJson)}`;
  } catch {
    // A detail that does not decode is still shown, as it came.
  }
  return `${type} (base64) ${Buffer.from(value).toString("base64")}`;
}

/** These messages hold nothing else for which JSON has rules of its own. */
function asProtoJson(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return isDuration(value) ? durationText(value) : value;
}

function isDuration(value: unknown): value is Duration {
  return typeof value === "object" && value !== null && "seconds" in value && "nanos" in value;
}

function durationText({ seconds, nanos }: Duration): string {
  const sign = seconds < 0n || nanos < 0 ? "-" : "";
  const fraction =
    nanos === 0
      ? ""
      : `.${String(Math.abs(nanos))
          .padStart(9, "0")
          .replace(/(000){1,2}$/, "")}`;
  return `${sign}${seconds < 0n ? -seconds : seconds}${fraction}s`;
}
