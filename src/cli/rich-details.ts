import { fromBinary, type Registry, toJsonString } from "@bufbuild/protobuf";
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
import { toJson } from "../json/message-json.ts";

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
    if (known !== undefined) return `${type} ${JSON.stringify(toJson(known, known.decode(value)))}`;
  } catch {
    // A detail that does not decode is still shown, as it came.
  }
  return `${type} (base64) ${Buffer.from(value).toString("base64")}`;
}
