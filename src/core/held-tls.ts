import { certificateTimes } from "./certificate.ts";
import { checkTls } from "./check-tls.ts";
import { now } from "./deadline.ts";
import { createFacts, type Facts } from "./facts.ts";
import type { ClientTls, ServerTls, TlsSource } from "./transport.ts";
import { whatIs } from "./what-is.ts";

type Tls = ClientTls & ServerTls;
type Side = "client" | "server";

/** Who writes a certificate and its key one after the other has this long, in milliseconds, before anybody is warned. */
const SETTLE_MS = 2_000;

/** So many reasons are told in so many milliseconds: a source may give another each time, and is asked at each connection. */
const MOST_TOLD = 3;
const TOLD_WITHIN_MS = 60_000;

/** What is held already, a channel hands one to each of its connections; and of that what a function gives. */
const heldOnes = new WeakSet<() => ClientTls | ServerTls>();
const changing = new WeakSet<() => ClientTls | ServerTls>();

/**
 * Gives, whenever it is asked, what TLS is to be used, and never throws: what a source comes to give and cannot be is not
 * taken up, with one warning, and what was there before goes on being used. The same object means that nothing changed.
 * @throws TypeError where there is nothing before it that could be used
 */
export function heldTls<T extends ClientTls | ServerTls>(
  source: TlsSource<T>,
  side: Side,
  facts: Facts = createFacts(),
): () => T {
  if (typeof source === "function" && heldOnes.has(source)) return source;
  const held = typeof source === "function" ? hold(source, side, facts) : holdStill(source, side);
  heldOnes.add(held);
  return held;
}

function holdStill<T extends ClientTls | ServerTls>(tls: T, side: Side): () => T {
  checkTls(tls, side);
  return () => tls;
}

/** Whether what was held may come to give something else. */
export function mayChange(held: () => ClientTls | ServerTls): boolean {
  return changing.has(held);
}

function hold<T extends ClientTls | ServerTls>(source: () => T, side: Side, facts: Facts): () => T {
  let current = checked(source(), side);
  /** What was given last, and was found wrong whenever it may be asked. */
  let wrong: { readonly tls: T; readonly error: unknown } | undefined;
  let refused: { readonly reason: string; readonly since: number } | undefined;
  let told: readonly { readonly reason: string; readonly at: number }[] = [];

  function latest(): T {
    const given = source();
    if (given === current || isSame(given, current)) return current;
    if (wrong?.tls === given) throw wrong.error;
    try {
      checked(given, side);
      checkKept(given, current, side);
    } catch (error) {
      wrong = { tls: given, error };
      throw error;
    }
    checkTimes(given, current);
    return given;
  }

  function refuse(reason: string): void {
    if (refused?.reason !== reason) refused = { reason, since: refused?.since ?? now() };
    if (told.at(-1)?.reason === reason || now() - refused.since < SETTLE_MS) return;
    const lately = told.filter(({ at }) => now() - at < TOLD_WITHIN_MS);
    if (lately.length === MOST_TOLD) return;
    told = [...lately, { reason, at: now() }];
    facts.on["certificate-kept"]?.({ side, reason });
  }

  const held = (): T => {
    try {
      const next = latest();
      refused = undefined;
      if (next === current) return current;
      current = next;
      told = [];
      const { subject, expiresAt } = certificateTimes(next) ?? {};
      facts.on["certificate-taken"]?.({ side, subject, expiresAt });
    } catch (error) {
      refuse(error instanceof Error ? error.message : String(error));
    }
    return current;
  };
  changing.add(held);
  return held;
}

function checked<T extends ClientTls | ServerTls>(tls: T, side: Side): T {
  const isPromise = (tls as unknown) instanceof Promise;
  if (typeof tls !== "object" || tls === null || isPromise) {
    const remedy = isPromise ? "await it before, and give what came last" : "give an object";
    throw new TypeError(`the function that was given as tls gave ${whatIs(tls)}: ${remedy}`);
  }
  checkTls(tls, side);
  return tls;
}

/** What connections and servers are made with once. */
function checkKept(given: Partial<Tls & ClientTls>, current: Partial<Tls & ClientTls>, side: Side): void {
  if (side === "server" && (given.ca === undefined) !== (current.ca === undefined)) {
    throw new TypeError("tls.ca has come or gone: whether clients must show a certificate cannot change meanwhile");
  }
  if (side === "client" && given.serverName !== current.serverName) {
    throw new TypeError("tls.serverName is another: the name to verify cannot change meanwhile");
  }
}

/** A certificate that nobody would accept now is not put in the place of one that all do. */
function checkTimes(given: ClientTls | ServerTls, current: ClientTls | ServerTls): void {
  const [next, present] = [certificateTimes(given), certificateTimes(current)];
  const time = Date.now();
  if (next === undefined || present === undefined || present.expiresAt.getTime() <= time) return;
  if (next.expiresAt.getTime() <= time) {
    throw new TypeError(`tls.cert has expired on ${next.expiresAt.toISOString()}, and the one before it has not`);
  }
  if (next.startsAt.getTime() > time) {
    throw new TypeError(`tls.cert is not valid before ${next.startsAt.toISOString()}, and the one before it is`);
  }
}

function isSame(one: Partial<Tls>, other: Partial<Tls>): boolean {
  if (typeof one !== "object" || one === null) return false;
  const names = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof Tls>;
  return [...names].every((name) => isSamePart(one[name], other[name]));
}

function isSamePart(one: unknown, other: unknown): boolean {
  if (one instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(one, other) === 0;
  return one === other;
}
