import { X509Certificate } from "node:crypto";
import type { ClientTls, ServerTls } from "./transport.ts";

/** The time in which the certificate that is shown, and those that are sent with it, are all valid. */
export interface CertificateTimes {
  /** Whose it is: `CN=localhost`. */
  readonly subject: string;
  readonly startsAt: Date;
  readonly expiresAt: Date;
}

const known = new WeakMap<ClientTls | ServerTls, CertificateTimes>();

/** When the certificate is valid that these options show; `undefined` where they show none. They have been checked. */
export function certificateTimes(tls: ClientTls | ServerTls): CertificateTimes | undefined {
  if (tls.cert === undefined) return undefined;
  let times = known.get(tls);
  if (times === undefined) {
    times = timesOf(tls.cert);
    known.set(tls, times);
  }
  return times;
}

function timesOf(pem: string | Uint8Array): CertificateTimes {
  const text = typeof pem === "string" ? pem : Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength).toString();
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [text];
  const chain = found.map((each) => new X509Certificate(each));
  return {
    subject: (chain[0]?.subject ?? "").replaceAll("\n", ", "),
    startsAt: new Date(Math.max(...chain.map(({ validFromDate }) => validFromDate.getTime()))),
    expiresAt: new Date(Math.min(...chain.map(({ validToDate }) => validToDate.getTime()))),
  };
}
