const notTrusted = "the server's certificate is not signed by a trusted authority";

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was closed by the other side",
  EPIPE: "the connection was closed by the other side",
  ENOTFOUND: "host not found",
  EAI_AGAIN: "host not found",
  ETIMEDOUT: "the connection timed out",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  ENOENT: "no such socket file",
  EADDRINUSE: "the port is in use",
  EADDRNOTAVAIL: "no such address on this machine",
  EACCES: "permission denied",
  EPROTO: "the other side does not speak TLS",
  ERR_SSL_WRONG_VERSION_NUMBER: "the other side does not speak TLS",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "the other side does not speak TLS",
  DEPTH_ZERO_SELF_SIGNED_CERT: notTrusted,
  SELF_SIGNED_CERT_IN_CHAIN: notTrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: notTrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: notTrusted,
  CERT_SIGNATURE_FAILURE: notTrusted,
  CERT_HAS_EXPIRED: "the server's certificate has expired",
  CERT_NOT_YET_VALID: "the server's certificate is not valid yet",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: "the server asks for a client certificate",
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: "the TLS handshake failed",
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "the server does not trust the client's certificate",
};

/**
 * Why a connection or a port did not come about, in a few words that name the cause, with the system's own code after
 * them: `connection refused (ECONNREFUSED)`.
 */
export function connectReason(error: unknown): string {
  if (isWrongName(error)) return `the server's certificate is for ${error.cert.subjectaltname}, not for ${error.host}`;
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error) ?? /\b(?:ERR_[A-Z0-9_]+|E[A-Z]{3,})\b/.exec(message)?.[0];
  const reason = code === undefined ? undefined : reasons[code];
  return reason === undefined ? message : `${reason} (${code})`;
}

const reasonsOfClients: Readonly<Record<string, string>> = {
  ERR_SSL_HTTP_REQUEST: "the client does not speak TLS",
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "the client has no certificate",
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "the client does not trust the server's certificate",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: "the client does not trust the server's certificate",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "the client does not trust the server's certificate",
  ERR_SSL_CERTIFICATE_VERIFY_FAILED: "the client's certificate is not signed by a trusted authority",
};

/** The same as a server sees it: why a client's handshake failed. */
export function handshakeReason(error: unknown): string {
  const code = codeOf(error);
  const reason = code === undefined ? undefined : reasonsOfClients[code];
  return reason === undefined ? connectReason(error) : `${reason} (${code})`;
}

/** As `tls.checkServerIdentity` makes it. */
interface WrongName {
  readonly host: string;
  readonly cert: { readonly subjectaltname: string };
}

function isWrongName(error: unknown): error is WrongName {
  return codeOf(error) === "ERR_TLS_CERT_ALTNAME_INVALID";
}

function codeOf(error: unknown): string | undefined {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}
