import { codeOf, type Reason, sentence, unknownReason } from "./connect-reason.ts";

const noTlsOfClient: Reason = ["the client does not speak TLS", "it was given no tls, or means another port"];
const distrustful: Reason = ["the client does not trust the server's certificate"];

const reasonsOfClients: Readonly<Record<string, Reason>> = {
  ECONNRESET: ["the client closed the connection in the TLS handshake", "perhaps it does not trust the certificate"],
  ERR_SSL_HTTP_REQUEST: noTlsOfClient,
  ERR_SSL_WRONG_VERSION_NUMBER: noTlsOfClient,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTlsOfClient,
  ERR_SSL_UNEXPECTED_MESSAGE: noTlsOfClient,
  ERR_SSL_NO_APPLICATION_PROTOCOL_ALPN: ["the client does not ask for HTTP/2 (ALPN h2)"],
  ERR_SSL_NO_APPLICATION_PROTOCOL: ["the client does not ask for HTTP/2 (ALPN h2)"],
  ERR_SSL_UNSUPPORTED_PROTOCOL: ["the client speaks no TLS of version 1.2 or 1.3"],
  ERR_TLS_HANDSHAKE_TIMEOUT: ["the client did not finish the TLS handshake in time"],
};

const alertsOfClients: ReadonlySet<string> = new Set(["UNKNOWN_CA", "CERTIFICATE_UNKNOWN", "BAD_CERTIFICATE"]);

/** What a server says of a TLS handshake that failed: what the client did, with the system's own code after it. */
export function handshakeReason(error: unknown): string {
  const code = codeOf(error) ?? "";
  const alert = /^ERR_SSL_.*ALERT_([A-Z_]+)$/.exec(code)?.[1] ?? "";
  const reason = reasonsOfClients[code] ?? (alertsOfClients.has(alert) ? distrustful : undefined);
  if (reason !== undefined) return sentence(reason, code);
  if (alert !== "") return `the client ended the TLS handshake (${code})`;
  return unknownReason(error, code);
}
