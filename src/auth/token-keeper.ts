import { systemClock } from "../core/clock.ts";
import { whatIs } from "../core/what-is.ts";
import { elapsedMs } from "./elapsed.ts";

/** A token, and when it ends, in milliseconds of Unix time. */
export interface Token {
  readonly token: string;
  readonly expiresAtMs?: number | undefined;
}

/** Gives a token that is good now. Of a JSON Web Token it need not say when it ends. */
export type TokenSource = () => string | Token | Promise<string | Token>;

export interface TokenKeeperOptions {
  readonly ask: TokenSource;
  readonly renewBeforeMs: number;
  readonly renewTimeoutMs: number;
  readonly now: () => number;
}

export interface TokenKeeper {
  /** The token that is good now; rejects where there is none. */
  current(): Promise<string>;
  /** The token after one that was refused; the same where the source gives no other. */
  after(refused: string): Promise<string>;
}

interface Kept {
  readonly token: string;
  readonly renewAtMs: number;
  readonly endsAtMs: number;
}

/** Milliseconds between two times that a source is asked. */
const TRY_AGAIN_MS = 1_000;
/** As RFC 6750 has it, and no more than what a header can carry. */
const wellFormed = /^[A-Za-z0-9._~+/-]+=*$/;

/** Asks a source for tokens: for one at a time, however many calls wait for it. */
export function createTokenKeeper({ ask, renewBeforeMs, renewTimeoutMs, now }: TokenKeeperOptions): TokenKeeper {
  let kept: Kept | undefined;
  let renewing: Promise<Kept> | undefined;
  let settledAtMs = Number.NEGATIVE_INFINITY;
  /** Of the last time that it was asked. */
  let failure: { readonly error: unknown } | undefined;

  /** Where it was asked just now, nobody asks it again. */
  const rests = (): boolean => renewing === undefined && elapsedMs(settledAtMs, now()) < TRY_AGAIN_MS;

  function renew(): Promise<Kept> {
    renewing ??= inTime(ask, renewTimeoutMs)
      .then((given) => {
        kept = keep(given);
        failure = undefined;
        return kept;
      })
      .catch((error) => {
        failure = { error };
        throw error;
      })
      .finally(() => {
        settledAtMs = now();
        renewing = undefined;
      });
    return renewing;
  }

  function keep(given: string | Token): Kept {
    const { token, expiresAtMs } = (typeof given === "string" ? { token: given } : Object(given)) as Partial<Token>;
    if (typeof token !== "string" || !wellFormed.test(token)) throw new TypeError("the source gave what is no token");
    if (expiresAtMs !== undefined && (typeof expiresAtMs !== "number" || Number.isNaN(expiresAtMs))) {
      const given = typeof expiresAtMs === "number" ? "NaN" : whatIs(expiresAtMs);
      throw new TypeError(`the source gave a token whose expiresAtMs is ${given}: give milliseconds of Unix time`);
    }
    const endsAtMs = expiresAtMs ?? endOf(token) ?? Number.POSITIVE_INFINITY;
    const lifeMs = Math.max(0, endsAtMs - now());
    return { token, endsAtMs, renewAtMs: endsAtMs - Math.min(renewBeforeMs, lifeMs / 5) };
  }

  return {
    async current() {
      if (kept !== undefined && now() < kept.endsAtMs) {
        if (now() >= kept.renewAtMs && !rests()) renew().catch(() => {});
        return kept.token;
      }
      if (!rests()) return (await renew()).token;
      if (failure !== undefined || kept === undefined) throw failure?.error;
      // What it gave just now is over by this machine's clock, and may be good by the server's.
      return kept.token;
    },
    async after(refused) {
      // Another call has renewed it meanwhile.
      if (kept !== undefined && kept.token !== refused) return kept.token;
      // So new a token, and so new a failure, that to ask again would come to the same.
      return rests() ? refused : (await renew()).token;
    },
  };
}

async function inTime(ask: TokenSource, timeoutMs: number): Promise<string | Token> {
  const { promise, reject } = Promise.withResolvers<never>();
  const late = (): void => reject(new Error(`the source of tokens gave none within ${timeoutMs} ms`));
  const stopTimer = systemClock.setTimeout(late, timeoutMs, true);
  try {
    return await Promise.race([ask(), promise]);
  } finally {
    stopTimer();
  }
}

/** When a JSON Web Token ends, which whoever holds it may read without a key. */
function endOf(token: string): number | undefined {
  const [, claims = "", signature] = token.split(".");
  if (signature === undefined) return undefined;
  try {
    const { exp } = JSON.parse(Buffer.from(claims, "base64url").toString()) as { exp?: unknown };
    return typeof exp === "number" ? exp * 1_000 : undefined;
  } catch {
    return undefined;
  }
}
