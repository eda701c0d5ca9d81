import { Metadata } from "../../core/metadata.ts";
import type { Method } from "../../core/method.ts";
import type { Acceptor, Compression } from "../../core/transport.ts";
import { parseTimeout } from "../grpc-timeout.ts";
import { acceptedOf } from "./compression.ts";
import { isBinary, isForbidden, listOverhead, metadataOf } from "./metadata-fields.ts";

/** What a request's header block says. Shared by all calls whose block has the same bytes: never written to. */
export interface RequestHead {
  /** Why it is no HTTP/2 request at all; its stream is reset. */
  readonly malformed: string | undefined;
  /** 200 for gRPC; otherwise what to answer. */
  readonly httpStatus: number;
  readonly path: string;
  /** What the path names. */
  readonly method: Method | undefined;
  /** Milliseconds from now until the deadline; Infinity without one. NaN where it cannot be read. */
  readonly timeoutMs: number;
  /** How request messages are compressed where they say so; any name. */
  readonly encoding: string;
  /** How replies may be compressed. */
  readonly accepts: readonly Compression[];
  /** -1 where it is not given. */
  readonly contentLength: number;
  readonly metadata: Metadata;
  /** What the head takes of memory, in bytes. */
  readonly bytes: number;
  /** True where bytes are in it, which whoever gets them could write to. */
  readonly hasBytes: boolean;
  /** True where the metadata was over the limit and has been dropped. */
  readonly oversized: boolean;
  /** True where a pseudo-header stands in it: it cannot be trailers. */
  readonly opens: boolean;
}

/**
 * Reads the fields of a request, or of a request's trailers.
 * @param spareBytes how much longer their list could be, in octets; below 0 where it was cut off
 */
export function readRequestHead(fields: readonly string[], spareBytes: number, acceptor: Acceptor): RequestHead {
  const pseudo: Record<string, string> = {};
  const known: Record<string, string> = {};
  const metadata: string[] = [];
  let spare = spareBytes;
  let hasBytes = false;
  let malformed: string | undefined;
  let regular = false;
  let bytes = 0;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    bytes += FIELD_BYTES + name.length + value.length;
    if (name.startsWith(":")) {
      malformed ??= pseudoError(name, value, pseudo, regular);
      pseudo[name] = value;
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
  const { ":path": path = "", ":method": verb, ":scheme": scheme } = pseudo;
  const opens = verb !== undefined || path !== "" || scheme !== undefined;
  if (!oversized && opens && (path === "" || verb === undefined || scheme === undefined)) {
    malformed ??= "a pseudo-header is missing";
  }
  const length = known["content-length"];
  return {
    malformed,
    httpStatus: httpStatusFor(verb, known["content-type"]),
    path,
    method: path === "" ? undefined : acceptor.method(path),
    timeoutMs: readTimeout(known["grpc-timeout"]),
    encoding: known["grpc-encoding"] ?? "identity",
    accepts: acceptedOf(known["grpc-accept-encoding"]),
    contentLength: length === undefined ? -1 : Number(length),
    bytes,
    metadata: oversized ? Metadata.EMPTY : metadataOf(metadata, hasBytes),
    hasBytes,
    oversized,
    opens,
  };
}

/** Two texts and their places in a list, beside their characters. */
const FIELD_BYTES = 64;

const ownFields: ReadonlySet<string> = new Set([
  "content-type",
  "content-length",
  "te",
  "grpc-timeout",
  "grpc-encoding",
  "grpc-accept-encoding",
  "accept-encoding",
  "user-agent",
]);
const requestPseudo: ReadonlySet<string> = new Set([":method", ":scheme", ":path", ":authority"]);

function pseudoError(
  name: string,
  value: string,
  seen: Readonly<Record<string, string>>,
  regular: boolean,
): string | undefined {
  if (!requestPseudo.has(name)) return `"${name}" is no pseudo-header of a request`;
  if (regular) return "a pseudo-header stands behind other fields";
  if (name in seen) return `"${name}" stands twice`;
  if (name === ":path" && value === "") return "the path is empty";
  return undefined;
}

function httpStatusFor(verb: string | undefined, contentType: string | undefined): number {
  if (verb !== undefined && verb !== "POST") return 405;
  return isGrpc(contentType) ? 200 : 415;
}

/** True for `application/grpc`, with `+proto` or without: nothing else is spoken here. */
export function isGrpc(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/grpc(?:\+proto)?(?:;|$)/.test(contentType);
}

function readTimeout(text: string | undefined): number {
  return text === undefined ? Number.POSITIVE_INFINITY : (parseTimeout(text) ?? Number.NaN);
}
