import type { Caller } from "../core/call.ts";
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

/**
 * Knows callers by the certificate that they showed, where the server asks for one (`tls.ca`): by its SPIFFE id, else by
 * its common name, else by its first DNS name.
 * https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md
 */
export function mutualTls(options: MutualTlsOptions = {}): Authenticate {
  checkNames(options, { trustDomain: true, scopesOf: true }, "mutualTls");
  const { trustDomain, scopesOf = () => [] } = options;
  const prefix = trustDomain === undefined ? undefined : `${SPIFFE}${trustDomain.replace(/^spiffe:\/\//, "")}/`;
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
  const id = uris.find((uri) => uri.startsWith(SPIFFE));
  if (id !== undefined) {
    if (uris.length > 1) throw new Error("a certificate with a SPIFFE id has no other URI");
    return id;
  }
  if (typeof subject.CN === "string" && subject.CN !== "") {
    if (subject.CN.startsWith(SPIFFE)) throw new Error("a SPIFFE id is an alternative name, never a common name");
    return subject.CN;
  }
  return alternativeNames.find((name) => name.startsWith(DNS))?.slice(DNS.length);
}
