import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { checkNames, type OptionNames } from "./option-names.ts";
import { damageOf, pemOf } from "./pem.ts";
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
  const bytes = pemOf(option, pem, "CERTIFICATE");
  try {
    return new X509Certificate(bytes);
  } catch (cause) {
    throw new TypeError(`${option} holds a certificate that cannot be read${damageOf(bytes)}`, { cause });
  }
}

function keyOf(pem: string | Uint8Array, passphrase: string | undefined): KeyObject {
  const bytes = pemOf("tls.key", pem, "PRIVATE KEY");
  const encrypted = bytes.includes("ENCRYPTED");
  if (encrypted && passphrase === undefined) throw new TypeError("tls.key is encrypted: give tls.passphrase");
  try {
    return createPrivateKey({ key: bytes, ...(passphrase !== undefined && { passphrase }) });
  } catch (cause) {
    const damage = damageOf(bytes) || (encrypted ? ": tls.passphrase is wrong, or the key is damaged" : "");
    throw new TypeError(`tls.key holds a key that cannot be read${damage}`, { cause });
  }
}
