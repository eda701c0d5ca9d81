import { type CertificateTimes, certificateTimes } from "./certificate.ts";
import type { Facts } from "./facts.ts";
import { mayChange } from "./held-tls.ts";
import type { ClientTls, ServerTls } from "./transport.ts";

const DAY_MS = 86_400_000;
/** How long before its end a certificate is warned of. */
const SOON_MS = 30 * DAY_MS;
/** One that lives shortly is renewed when a third of its life is left. */
const SOON_PART = 1 / 3;
/** Where the options may change, and where only the time passes. */
const LOOK_MS = 1_000;
const LOOK_AT_WHAT_STAYS_MS = 3_600_000;

/**
 * Asks for TLS options again and again, so that what is new, or wrong with it, shows though no connection is made, and
 * tells of a certificate that ends.
 * @param tls as `heldTls` makes it
 * @returns what stops it; it keeps no process alive
 */
export function watchCertificate(tls: () => ClientTls | ServerTls, facts: Facts): () => void {
  const tell = expiryNotice(facts);
  const look = (): void => tell(certificateTimes(tls()));
  look();
  const timer = setInterval(look, mayChange(tls) ? LOOK_MS : LOOK_AT_WHAT_STAYS_MS).unref();
  return () => clearInterval(timer);
}

/**
 * Tells, once a day, of a certificate that has expired, an error, or that soon will: within 30 days, or in the
 * last third of a life that is shorter than 90.
 * @param date the time in milliseconds since 1970
 */
export function expiryNotice(
  facts: Facts,
  date: () => number = Date.now,
): (times: CertificateTimes | undefined) => void {
  let told: { readonly isOver: boolean; readonly at: number } | undefined;
  return (times) => {
    const time = date();
    if (times === undefined || !isSoon(times, time)) {
      told = undefined;
      return;
    }
    const { subject, expiresAt } = times;
    const isOver = expiresAt.getTime() <= time;
    if (told?.isOver === isOver && time - told.at < DAY_MS) return;
    told = { isOver, at: time };
    const fields = { subject, expiresAt, daysLeft: Math.floor((expiresAt.getTime() - time) / DAY_MS) };
    facts.on[isOver ? "certificate-expired" : "certificate-expiring"]?.(fields);
  };
}

function isSoon({ startsAt, expiresAt }: CertificateTimes, time: number): boolean {
  const lifeMs = expiresAt.getTime() - startsAt.getTime();
  return expiresAt.getTime() - time <= Math.min(SOON_MS, lifeMs * SOON_PART);
}
