import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { checkNames, type OptionNames } from "./option-names.ts";
import type { ClientTls, ServerTls } from "./transport.ts";

const names: { readonly client: OptionNames<ClientTls>; readonly server: OptionNames<ServerTls> } = {
  client: { ca: true, cert: true, key: true, passphrase: true, serverName: true, identityOf: true },
  server: { cert: true, key: true, passphrase: true, ca: true },
};

/** What was looked at and found well: a channel hands one to each of its connections. */
const well = new WeakSet<ClientTls | ServerTls>();

/**
 * Looks at certificates and keys when they are given, not at the first handshake: that each is one, that a key belongs
 * to its certificate, that its passphrase opens it.
 * @throws TypeError that names the option and says what to give
 */
export function checkTls(tls: ClientTls | ServerTls, side: "client" | "server"): void {
  if (well.has(tls)) return;
  checkNames<ClientTls>(tls, names[side] as OptionNames<ClientTls>, "tls");
  check(tls);
  if (side === "server" && tls.cert === undefined) {
    throw new TypeError("tls.cert is missing: a server shows a certificate, give tls.cert and tls.key");
  }
  if ("identityOf" in tls && tls.identityOf !== undefined && typeof tls.identityOf !== "function") {
    throw new TypeError("tls.identityOf is no function: give (endpoint) => endpoint.metadata?.identity");
  }
  well.add(tls);
}

function check(tls: ClientTls | ServerTls): void {
  const { ca, cert, key, passphrase } = tls;
  if (ca !== undefined) certificateOf("tls.ca", ca);
  if (cert !== undefined && key === undefined) throw new TypeError("tls.cert has no key: give tls.key beside it");
  if (key !== undefined && cert === undefined)
    throw new TypeError("tls.key has no certificate: give tls.cert beside it");
  if (cert === undefined || key === undefined) return;
  const certificate = certificateOf("tls.cert", cert);
  if (!certificate.checkPrivateKey(keyOf(key, passphrase))) {
    const { subject } = certificate;
    throw new TypeError(`tls.key does not belong to tls.cert (${subject.replaceAll("\n", ", ") || "no subject"})`);
  }
}

function certificateOf(option: string, pem: string | Uint8Array): X509Certificate {
  expectPem(option, pem, "CERTIFICATE");
  try {
    return new X509Certificate(bytesOf(pem));
  } catch (cause) {
    throw new TypeError(`${option} holds a certificate that cannot be read`, { cause });
  }
}

function keyOf(pem: string | Uint8Array, passphrase: string | undefined): KeyObject {
  expectPem("tls.key", pem, "PRIVATE KEY");
  const encrypted = bytesOf(pem).includes("ENCRYPTED");
  if (encrypted && passphrase === undefined) throw new TypeError("tls.key is encrypted: give tls.passphrase");
  try {
    return createPrivateKey({ key: bytesOf(pem), ...(passphrase !== undefined && { passphrase }) });
  } catch (cause) {
    const why = encrypted ? "cannot be read: tls.passphrase is wrong, or the key is damaged" : "cannot be read";
    throw new TypeError(`tls.key holds a key that ${why}`, { cause });
  }
}

/** Nothing of what was given stands in the error: it may be a key. */
function expectPem(option: string, pem: unknown, label: string): void {
  if (typeof pem !== "string" && !(pem instanceof Uint8Array)) {
    throw new TypeError(`${option} is no PEM, but of type ${typeof pem}: give the text or the bytes of the file`);
  }
  const text = bytesOf(pem).toString("latin1");
  if (text.includes(`${label}-----`)) return;
  const what = label === "CERTIFICATE" ? "certificate" : "key";
  const path = text.length > 0 && text.length < 1_000 && !/[\r\n]/.test(text) && !text.includes("-----");
  const remedy = path ? "it reads like a path: give what the file holds" : "it must have a line with BEGIN";
  throw new TypeError(`${option} holds no ${what} in PEM: ${remedy}${path ? "" : ` ${label}`}`);
}

function bytesOf(pem: string | Uint8Array): Buffer {
  return typeof pem === "string" ? Buffer.from(pem) : Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength);
}
