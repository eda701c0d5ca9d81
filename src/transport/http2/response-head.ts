import { Code, codeFrom } from "../../core/code.ts";
import { Metadata } from "../../core/metadata.ts";
import type { ErrorDetail } from "../../core/rpc-error.ts";
import { unescapeMessage } from "../grpc-message.ts";
import { codeOfHttpStatus } from "../http-status.ts";
import { decodeDetails } from "../rich-status.ts";
import { isBinary, isForbidden, listOverhead, metadataOf } from "./metadata-fields.ts";
import { isGrpc } from "./request-head.ts";

/** What a response's header block, or its trailers, say. Shared by all blocks of the same bytes: never written to. */
export interface ResponseHead {
  /** Why it is no HTTP/2 response; its stream is reset. */
  readonly malformed: string | undefined;
  /** The HTTP status; 0 in trailers. */
  readonly httpStatus: number;
  /** True where it is a response of gRPC, not of something in between. */
  readonly grpc: boolean;
  /** gRPC's status; `undefined` where none is given. */
  readonly code: Code | undefined;
  readonly message: string;
  readonly details: readonly ErrorDetail[];
  /** How messages are compressed where they say so; any name. */
  readonly encoding: string;
  readonly metadata: Metadata;
  /** True where bytes are in it, which whoever gets them could write to. */
  readonly hasBytes: boolean;
  /** True where the metadata was over the limit and has been dropped. */
  readonly oversized: boolean;
}

/**
 * Reads the fields of a response's header block or trailers.
 * @param spareBytes how much longer their list could be, in octets; below 0 where it was cut off
 */
export function readResponseHead(fields: readonly string[], spareBytes: number): ResponseHead {
  const metadata: string[] = [];
  let spare = spareBytes;
  let hasBytes = false;
  const known: Record<string, string> = {};
  let malformed: string | undefined;
  let httpStatus = 0;
  let regular = false;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    if (name.startsWith(":")) {
      if (name !== ":status" || regular || httpStatus !== 0) malformed ??= `"${name}" is not allowed there`;
      httpStatus = Number(value);
      continue;
    }
    regular = true;
    if (isForbidden(name, value)) malformed ??= `the field "${name}" is not allowed`;
    if (ownFields.has(name)) {
      known[name] = value;
      continue;
    }
    metadata.push(name, value);
    if (isBinary(name)) {
      hasBytes = true;
      spare -= listOverhead(value);
    }
  }
  const oversized = spare < 0;
  const status = known["grpc-status"];
  const details = known["grpc-status-details-bin"];
  return {
    malformed,
    httpStatus,
    grpc: isGrpc(known["content-type"]),
    code: status === undefined ? undefined : readCode(status),
    message: unescapeMessage(known["grpc-message"] ?? ""),
    details: details === undefined ? [] : decodeDetails(new Uint8Array(Buffer.from(details, "base64"))),
    encoding: known["grpc-encoding"] ?? "identity",
    metadata: oversized ? Metadata.EMPTY : metadataOf(metadata, hasBytes),
    hasBytes,
    oversized,
  };
}

/** The code and the words for a response that is not gRPC's: of a proxy, or of another server. */
export function statusOfHttp(head: ResponseHead): { code: Code; message: string } {
  if (head.httpStatus === 200) return { code: Code.UNKNOWN, message: "the response is not gRPC: wrong content-type" };
  return { code: codeOfHttpStatus(head.httpStatus), message: `HTTP status ${head.httpStatus} without a gRPC status` };
}

const ownFields: ReadonlySet<string> = new Set([
  "content-type",
  "content-length",
  "grpc-status",
  "grpc-message",
  "grpc-status-details-bin",
  "grpc-encoding",
  "grpc-accept-encoding",
  "accept-encoding",
  "date",
]);

function readCode(text: string): Code {
  return /^\d{1,3}$/.test(text) ? codeFrom(Number(text)) : Code.UNKNOWN;
}
