import { readFileSync } from "node:fs";
import type { ClientTls, ServerTls } from "../../src/core/transport.ts";

function pem(name: string): string {
  return readFileSync(new URL(`./certs/${name}`, import.meta.url), "utf8");
}

/** Signed the certificates of `serverTls`, `elsewhereTls` and `clientCertificate`. */
export const authority: string = pem("ca.pem");
/** Signed `strangerCertificate` alone. */
export const otherAuthority: string = pem("other-ca.pem");

/** Signed `nextServerTls` and `nextClientCertificate`, in the place of `authority`. */
export const nextAuthority: string = pem("next-ca.pem");

/** For localhost, 127.0.0.1 and ::1. */
export const serverTls: ServerTls = { cert: pem("server.pem"), key: pem("server.key") };
/** As `serverTls`, of the authority to come. */
export const nextServerTls: ServerTls = { cert: pem("next-server.pem"), key: pem("next-server.key") };
/** For elsewhere.example. */
export const elsewhereTls: ServerTls = { cert: pem("elsewhere.pem"), key: pem("elsewhere.key") };
/** As `serverTls`, but valid no longer. */
export const expiredTls: ServerTls = { cert: pem("expired.pem"), key: pem("expired.key") };
/** `serverTls`, asking clients for a certificate. */
export const mutualTls: ServerTls = { ...serverTls, ca: authority };

/** `O=Trunkline, CN=a client`, for client.example and spiffe://example/client. */
export const clientCertificate: ClientTls = { cert: pem("client.pem"), key: pem("client.key") };
/** `CN=a renewed client`, of the authority to come. */
export const nextClientCertificate: ClientTls = { cert: pem("next-client.pem"), key: pem("next-client.key") };
/** Of a client whose names hold commas and what looks like other names. */
export const slyCertificate: ClientTls = { cert: pem("sly.pem"), key: pem("sly.key") };
/** Of a client whose authority nobody trusts. */
export const strangerCertificate: ClientTls = { cert: pem("stranger.pem"), key: pem("stranger.key") };
/** Of a client whose certificate is valid no longer. */
export const expiredClientCertificate: ClientTls = { cert: pem("expired.pem"), key: pem("expired.key") };
