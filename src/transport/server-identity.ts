import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import type { Endpoint } from "../core/endpoint.ts";
import type { ClientTls } from "../core/transport.ts";
import { whatIs } from "../core/what-is.ts";
import { namesIn } from "./alternative-names.ts";

/**
 * Whom the certificate of this one server must name, beside what is expected of all.
 * @throws TypeError where `identityOf` gives what is no name
 */
export function identityOf(tls: ClientTls | undefined, endpoint: Endpoint): string | undefined {
  const identity = tls?.identityOf?.(endpoint);
  if (identity === undefined || (typeof identity === "string" && identity !== "")) return identity;
  const given = typeof identity === "string" ? "an empty text" : whatIs(identity);
  throw new TypeError(`tls.identityOf gave ${given} for ${endpoint.address}: give a name, or undefined for none`);
}

/** What is wrong with a server's certificate, as `node:tls` asks for it. */
export function checkIdentity(
  host: string,
  identity: string | undefined,
  certificate: PeerCertificate,
): Error | undefined {
  const wrong = checkServerIdentity(host, certificate);
  if (wrong !== undefined || identity === undefined) return wrong;
  const names = namesIn(certificate.subjectaltname ?? "");
  // Letter by letter: a wildcard would be everybody's name. And of its own kind: a mail address may read like a host.
  if (names.includes(`${kindOf(identity)}:${identity}`)) return undefined;
  const shown = names.map((name) => name.slice(name.indexOf(":") + 1)).join(", ") || "nobody";
  return new Error(`its certificate is for ${shown}, and not for ${identity} (tls.identityOf)`);
}

/** As Node calls it in a certificate. */
function kindOf(identity: string): string {
  if (isIP(identity) !== 0) return "IP Address";
  return identity.includes(":") ? "URI" : "DNS";
}
