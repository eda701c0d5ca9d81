import { outOfDescriptors } from "./descriptors.ts";

/** What happened, and what to do about it. */
export type Reason = readonly [what: string, remedy?: string];

const closed: Reason = ["the connection was closed by the other side"];
const notFound: Reason = ["host not found", "look at how it is spelt, and whether this machine's DNS knows it"];
const notTrusted: Reason = [
  "the server's certificate is not signed by a trusted authority",
  "give the one that signed it as tls.ca",
];
const noTls: Reason = ["the server does not speak TLS", "leave tls out, or give the port that does"];

const reasons: Readonly<Record<string, Reason>> = {
  ECONNREFUSED: ["connection refused"],
  ECONNRESET: closed,
  EPIPE: closed,
  ENOTFOUND: notFound,
  EAI_AGAIN: notFound,
  ETIMEDOUT: ["the connection timed out"],
  EHOSTUNREACH: ["no route to the host"],
  ENETUNREACH: ["no route to the network", "look at this machine's addresses and routes"],
  ENOENT: ["no such socket file"],
  EADDRNOTAVAIL: [
    "no port of this machine is free for another connection there",
    "make fewer, or widen net.ipv4.ip_local_port_range",
  ],
  EACCES: ["permission denied", "look at who owns the socket file and its folder, and at the firewall"],
  EPERM: ["permission denied", "look at the firewall of this machine"],
  EPROTO: noTls,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  DEPTH_ZERO_SELF_SIGNED_CERT: notTrusted,
  SELF_SIGNED_CERT_IN_CHAIN: notTrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: notTrusted,
  UNABLE_TO_GET_ISSUER_CERT: notTrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: notTrusted,
  CERT_SIGNATURE_FAILURE: notTrusted,
  CERT_HAS_EXPIRED: ["the server's certificate has expired", "renew it there, or look at this machine's clock"],
  CERT_NOT_YET_VALID: ["the server's certificate is not valid yet", "look at this machine's clock"],
};

const notAccepted: Reason = ["the server does not accept the client's certificate", "look at tls.cert"];
const asksForOne: Reason = ["the server asks for a client certificate", "give tls.cert and tls.key"];

/** What a server says of a client by an alert of TLS, by the alert's name. */
const alerts: Readonly<Record<string, Reason>> = {
  CERTIFICATE_REQUIRED: asksForOne,
  UNKNOWN_CA: ["the server does not trust the authority of the client's certificate", "look at tls.cert"],
  CERTIFICATE_EXPIRED: ["the client's certificate has expired", "renew tls.cert"],
  BAD_CERTIFICATE: notAccepted,
  UNSUPPORTED_CERTIFICATE: notAccepted,
  CERTIFICATE_REVOKED: notAccepted,
  CERTIFICATE_UNKNOWN: notAccepted,
  ACCESS_DENIED: notAccepted,
  NO_APPLICATION_PROTOCOL: ["the server does not offer HTTP/2 over TLS (ALPN h2)", "give the port of its gRPC"],
  UNRECOGNIZED_NAME: ["the server has no certificate for that name", "give one that it has as tls.serverName"],
  PROTOCOL_VERSION: ["the server speaks no TLS of version 1.2 or 1.3"],
};

/** Alerts that a server sends a client that has no certificate, among others. */
const perhapsForWantOfOne: ReadonlySet<string> = new Set([
  "HANDSHAKE_FAILURE",
  "BAD_CERTIFICATE",
  "CERTIFICATE_UNKNOWN",
]);

/** What this side had to show of itself. */
export interface Shown {
  readonly certificate: boolean;
}

/**
 * Why a connection did not come about, in words that name the cause, with the system's own code after them, and what to
 * do: `the server does not speak TLS (EPROTO): leave tls out, or give the port that does`.
 */
export function connectReason(error: unknown, shown: Shown = { certificate: false }): string {
  if (isWrongName(error)) return wrongName(error);
  const message = messageOf(error);
  const code = codeIn(error);
  if (code === undefined) return oneLine(message);
  if (message.includes(BEFORE_SECURE)) return closedInHandshake(shown);
  const out = outOfDescriptors({ code });
  if (out !== undefined) return out;
  const reason = reasons[code] ?? alertReason(code, shown);
  return reason === undefined ? unknownReason(error, code) : sentence(reason, code);
}

/** grpc-js passes on no more than the text. */
function codeIn(error: unknown): string | undefined {
  return codeOf(error) ?? /\b(?:ERR_[A-Z0-9_]+|E[A-Z]{3,})\b/.exec(messageOf(error))?.[0];
}

/** As Node words it. */
const BEFORE_SECURE = "before secure TLS connection was established";

function closedInHandshake({ certificate }: Shown): string {
  const also = certificate ? ", or does not accept the client's certificate" : "";
  return `the server closed the connection in the TLS handshake: perhaps it does not speak TLS${also}`;
}

export function sentence([what, remedy]: Reason, code: string): string {
  return remedy === undefined ? `${what} (${code})` : `${what} (${code}): ${remedy}`;
}

/** OpenSSL's name of an alert, whatever version of TLS it puts before it. */
function alertReason(code: string, { certificate }: Shown): Reason | undefined {
  const alert = /^ERR_SSL_.*ALERT_([A-Z_]+)$/.exec(code)?.[1];
  if (alert === undefined) return undefined;
  if (!certificate && perhapsForWantOfOne.has(alert)) {
    return ["the server ended the TLS handshake", "perhaps it asks for a client certificate: tls.cert and tls.key"];
  }
  return alerts[alert] ?? ["the server ended the TLS handshake"];
}

/** OpenSSL's own text is a line of its source; what it calls the reason says as much. */
export function unknownReason(error: unknown, code: string | undefined): string {
  const { reason, library } = error as { reason?: unknown; library?: unknown };
  if (typeof reason === "string" && typeof library === "string") return `TLS failed: ${reason} (${code})`;
  return oneLine(messageOf(error));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*[\r\n]+\s*/g, " ");
}

/** True for an error of the system's or of TLS's whose meaning is known. */
export function isTelling(error: unknown): boolean {
  const code = codeIn(error) ?? "";
  return (
    isWrongName(error) ||
    code.startsWith("ERR_SSL_") ||
    Object.hasOwn(reasons, code) ||
    outOfDescriptors({ code }) !== undefined
  );
}

/** What this machine lacks, and every server would miss: to make the call at another would fail the same. */
const lackedHere: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "EADDRNOTAVAIL"]);
/** What else lies on this side: a name, a route, a permission. */
const wrongHere: ReadonlySet<string> = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENETUNREACH",
  "EACCES",
  "EPERM",
  ...lackedHere,
]);

/** Why a connection did not come about, and on whose side it lies. */
export interface Failure {
  readonly reason: string;
  /** True where no server had a part in it. */
  readonly isOwn: boolean;
  /** True where it is the same for every server. */
  readonly isLack: boolean;
}

export function failureOf(error: unknown, shown?: Shown): Failure {
  const code = codeIn(error) ?? "";
  return { reason: connectReason(error, shown), isOwn: wrongHere.has(code), isLack: lackedHere.has(code) };
}

/** As `tls.checkServerIdentity` makes it. */
interface WrongName {
  readonly host: string;
  readonly cert: { readonly subjectaltname?: string; readonly subject?: { readonly CN?: string | string[] } };
}

function isWrongName(error: unknown): error is WrongName {
  return codeOf(error) === "ERR_TLS_CERT_ALTNAME_INVALID";
}

function wrongName({ cert, host }: WrongName): string {
  const names = cert.subjectaltname ?? [cert.subject?.CN ?? "nobody"].flat().join(", ");
  return `the server's certificate is for ${names}, not for ${host}: give a name that is in it as tls.serverName`;
}

export function codeOf(error: unknown): string | undefined {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}
