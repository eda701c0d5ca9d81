import type { TLSSocket } from "node:tls";
import type { ServerTls } from "../core/transport.ts";

const reasons: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "it has expired",
  CERT_NOT_YET_VALID: "it is not valid yet",
  UNABLE_TO_GET_ISSUER_CERT: "it is not signed by a trusted authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "it is not signed by a trusted authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "it is not signed by a trusted authority",
  DEPTH_ZERO_SELF_SIGNED_CERT: "it is not signed by a trusted authority",
  SELF_SIGNED_CERT_IN_CHAIN: "it is not signed by a trusted authority",
  CERT_SIGNATURE_FAILURE: "it is not signed by a trusted authority",
  INVALID_PURPOSE: "it is not for clients (extendedKeyUsage)",
};

/**
 * Why a client is not let in that had to show a certificate; `undefined` where it is. Asked once the handshake is over:
 * nothing that such a client sends is looked at before. There must be a certificate, whatever Node makes of a session that
 * is resumed and in which none was ever shown.
 */
export function untrusted(tls: ServerTls, socket: TLSSocket): string | undefined {
  if (tls.ca === undefined) return undefined;
  if (socket.getPeerCertificate().raw === undefined) return "the client shows no certificate";
  if (socket.authorized) return undefined;
  const code = String(socket.authorizationError);
  const why = Object.hasOwn(reasons, code) ? `${reasons[code]} (${code})` : `it cannot be verified (${code})`;
  return `the client's certificate is not accepted: ${why}`;
}
