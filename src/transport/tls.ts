import { X509Certificate } from "node:crypto";
import { isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect, type TLSSocket, type TlsOptions } from "node:tls";
import type { Caller } from "../core/call.ts";
import type { ClientTls, ServerTls } from "../core/transport.ts";
import { socketAddress } from "./address.ts";
import { namesIn } from "./alternative-names.ts";
import { checkIdentity } from "./server-identity.ts";

/**
 * What `node:tls` needs for a client: at least TLS 1.2, HTTP/2 by ALPN, the server's name verified, and `identity` where
 * this one server has to have one.
 */
export function clientTlsOptions(tls: ClientTls, address: string, identity?: string): ConnectionOptions {
  const to = socketAddress(address);
  const host = tls.serverName ?? ("host" in to ? to.host : "localhost");
  return {
    host,
    // A name to select a certificate by must not be an IP address (RFC 6066); such an address is verified all the same.
    servername: isIP(host) === 0 ? host : "",
    ca: pem(tls.ca),
    cert: pem(tls.cert),
    key: pem(tls.key),
    passphrase: tls.passphrase,
    minVersion: "TLSv1.2",
    ALPNProtocols: ["h2"],
    rejectUnauthorized: true,
    // The name to verify is not always the host to connect to.
    checkServerIdentity: (_, certificate) => checkIdentity(host, identity, certificate),
  };
}

/**
 * What `node:tls` needs for a server: at least TLS 1.2, a protocol of these by ALPN, clients asked for a certificate where
 * `ca` is given. Whether it is a good one has to be looked at afterwards: Node would close the connection without a word.
 */
export function serverTlsOptions(
  { cert, key, passphrase, ca }: ServerTls,
  handshakeTimeoutMs = 10_000,
  alpn: readonly string[] = ["h2"],
): TlsOptions {
  return {
    cert: pem(cert),
    key: pem(key),
    passphrase,
    ca: pem(ca),
    requestCert: ca !== undefined,
    rejectUnauthorized: false,
    minVersion: "TLSv1.2",
    ALPNProtocols: [...alpn],
    // A client that never finishes its handshake holds a socket no longer than this.
    handshakeTimeout: handshakeTimeoutMs,
  };
}

/** Does the client's half of the handshake on a socket that is connected. Rejects with what went wrong. */
export function secure(socket: Socket, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error("the connection was closed during the TLS handshake"));
    const secured = connect({ ...options, socket });
    secured.on("error", reject);
    secured.once("close", closed);
    secured.once("secureConnect", () => {
      secured.off("error", reject);
      secured.off("close", closed);
      if (secured.alpnProtocol === "h2") return resolve(secured);
      secured.destroy();
      reject(new Error("the server does not offer HTTP/2 over TLS (ALPN h2)"));
    });
  });
}

/** What a client's certificate says; `undefined` where it showed none that was verified. */
export function callerTls(socket: TLSSocket): Caller["tls"] {
  if (!socket.authorized) return undefined;
  const { raw, subject } = socket.getPeerCertificate();
  if (raw === undefined) return undefined;
  const { subjectAltName = "", fingerprint256 } = new X509Certificate(raw);
  return { subject: { ...subject }, alternativeNames: namesIn(subjectAltName), fingerprint256 };
}

function pem(value: string | Uint8Array | undefined): string | Buffer | undefined {
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}
