import type { Caller } from "../core/call.ts";
import { checkKinds, functionLike } from "../core/option-kinds.ts";
import { checkNames } from "../core/option-names.ts";
import type { Authenticate } from "./identity.ts";

type CallerTls = NonNullable<Caller["tls"]>;

export interface MutualTlsOptions {
  /** The trust domain of SPIFFE ids, `shop.example`: who has none of it is not known. Any, and none, by default. */
  readonly trustDomain?: string | undefined;
  /** What a caller has been granted, where contracts ask for scopes; nothing by default. */
  readonly scopesOf?: ((subject: string, tls: CallerTls) => Iterable<string>) | undefined;
}

const URI = "URI:";
const DNS = "DNS:";
const SPIFFE = "spiffe://";
/** Whatever its case: what only looks like an id is none. */
const looksLikeId = /^spiffe:/i;
/** https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md */
const domain = /^[a-z0-9._-]+$/;
const id = /^spiffe:\/\/[a-z0-9._-]+(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)*$/;

/**
 * Knows callers by the certificate that they showed, where the server asks for one (`tls.ca`): by its SPIFFE id, else by
 * its common name, else by its first DNS name. What only looks like a SPIFFE id, or stands in another's place, is nobody's.
 * https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md
 * @throws TypeError for what is no trust domain
 */
export function mutualTls(options: MutualTlsOptions = {}): Authenticate {
  checkNames(options, { trustDomain: true, scopesOf: true }, "mutualTls");
  checkKinds(options, { scopesOf: functionLike('() => ["orders:read"]') });
  const { trustDomain, scopesOf = () => [] } = options;
  const prefix = trustDomain === undefined ? undefined : `${SPIFFE}${domainOf(trustDomain)}/`;
  return ({ caller }) => {
    const tls = caller?.tls;
    const subject = tls && subjectOf(tls);
    if (tls === undefined || subject === undefined) return undefined;
    if (prefix !== undefined && !subject.startsWith(prefix)) throw new Error(`${subject} is not of ${prefix}`);
    return { subject, issuer: undefined, scopes: new Set(scopesOf(subject, tls)), claims: {} };
  };
}

function subjectOf({ subject, alternativeNames }: CallerTls): string | undefined {
  const uris = alternativeNames.filter((name) => name.startsWith(URI)).map((name) => name.slice(URI.length));
  const found = uris.find((uri) => looksLikeId.test(uri));
  if (found !== undefined) {
    if (uris.length > 1) throw new Error("a certificate with a SPIFFE id has no other URI");
    if (!id.test(found)) throw new Error(`${found} is no SPIFFE id`);
    return found;
  }
  const dns = alternativeNames.find((name) => name.startsWith(DNS))?.slice(DNS.length);
  const name = typeof subject.CN === "string" && subject.CN !== "" ? subject.CN : dns;
  if (name !== undefined && looksLikeId.test(name)) {
    throw new Error("a SPIFFE id is a URI of a certificate, never a common name or a DNS name");
  }
  return name;
}

/** @throws TypeError for what is no trust domain: nobody would be of it */
function domainOf(given: unknown): string {
  const bare = typeof given === "string" ? given.replace(/^spiffe:\/\//, "") : "";
  if (domain.test(bare)) return bare;
  throw new TypeError(
    'trustDomain is no trust domain: give one in lower case and without a path, such as "shop.example"',
  );
}
